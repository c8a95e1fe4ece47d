"""The fake vLLM keeps the contract that the real one keeps."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from core.pack import load_pack
from core.sections import sections_pattern
from serve.fake_answers import WITHOUT_PASSAGES, example_of, matching, write_reply
from serve.vllm_api import VllmApi
from tests.support.fake_process import fake_vllm
from tests.support.graft_process import REPOSITORY
from tests.support.vllm_contract import VllmContract

pytestmark = pytest.mark.integration
SENTENCE = " ".join(f"word{n}" for n in range(60))


class TestFakeVllm(VllmContract):
    """The suite, on the fake."""

    @pytest.fixture(scope="class")
    def vllm(self) -> Iterator[VllmApi]:
        with fake_vllm("--model", "base", "--reply", SENTENCE, "--delay", "0.01") as (api, _):
            yield api

    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Path:
        (tmp_path / "adapter_config.json").write_text("{}")
        return tmp_path


@pytest.mark.parametrize("pack", ["domains/django", "tests/packs/garden"])
def test_it_fills_the_schemas_of_packs(pack):
    root = REPOSITORY / pack
    for schema in load_pack(str(root), root.parent, root.parent).schemas.values():
        Draft202012Validator(schema).validate(example_of(schema))


def test_it_matches_patterns_and_quotes_passages():
    pattern = sections_pattern(("When", "How (much)"), "No.")
    assert re.fullmatch(pattern, matching(pattern))
    prompt = "Passages:\n\n[1] a.md | Top\nPrune in May.\nBoldly.\n\n[2] b.md\nNo.\n\nQuestion: When?"
    assert write_reply([{"content": prompt}], None, "") == "Prune in May.\nBoldly. [1]"
    titled = prompt.replace("Prune in", "# Quince\n\n## Pruning\nPrune in")
    assert write_reply([{"content": titled}], None, "") == "Prune in May.\nBoldly. [1]"
    assert write_reply([{"content": "Question: When?"}], None, "") == WITHOUT_PASSAGES
    assert json.loads(write_reply([], {"json": {"const": [1]}}, "")) == [1]
