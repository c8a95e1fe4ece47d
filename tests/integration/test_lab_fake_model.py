"""The lab's controls and the update drill as commands, over a real index, with a model that quotes passages."""

import json
import re

import pytest

from tests.support.fake_process import fake_vllm
from tests.support.graft_process import copy_pack, run_graft

pytestmark = pytest.mark.integration

FACT = "Water the medlar with 120 litres a year, all in one go."
EXAMPLE = {
    "id": "medlar-water",
    "question": "How much water does the medlar get in a year?",
    "answer": "120 litres, all in one go.",
    "format": "text",
    "evidence": [{"source": "watering.txt", "quote": FACT}],
}


@pytest.fixture
def pack(tmp_path):
    """A garden of its own name, so that the session's index of `garden` stays as it is."""
    folder = copy_pack("garden", tmp_path)
    config = folder / "domain.yaml"
    config.write_text(re.sub(r"(?m)^name: .*$", "name: orchard", config.read_text()))
    (folder / "corpus" / "watering.txt").write_text(f"{FACT}\n")
    return folder


@pytest.fixture
def model(prepared):
    with fake_vllm("--model", prepared.llm_name) as (api, _):
        yield api.base_url.removesuffix("/v1")


def test_the_drill_changes_a_copy_and_arms_with_passages_follow(workspace, pack, model):
    (pack / "examples" / "test.jsonl").write_text(json.dumps(EXAMPLE) + "\n")
    options = ("--domain", str(pack), "--vllm-url", model)
    done = run_graft(workspace, "lab", "drill", *options, "--arms", "rag,base", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["followed"] == ["rag"]
    assert told["arms"]["rag"]["before"] == {"new": 0, "old": 1, "other": 0}
    assert told["arms"]["rag"]["after"] == {"new": 1, "old": 0, "other": 0}
    assert told["arms"]["rag"]["seconds"] > 0
    assert told["arms"]["base"]["seconds"] is None
    assert FACT in (pack / "corpus" / "watering.txt").read_text()
    assert not (workspace / "run" / "drill").exists()
    assert json.loads((workspace / "lab" / "orchard" / "drill.json").read_text()) == told
    lost = run_graft(workspace, "lab", "drill", *options, "--arms", "hybrid")
    assert lost.returncode == 1
    assert "graft train" in lost.stderr


def test_controls_ask_again_with_tampered_passages(workspace, pack, model, tmp_path):
    done = run_graft(
        workspace, "lab", "--domain", str(pack), "--vllm-url", model, "--arms", "base,rag", "--controls", "rag",
        "--out", str(tmp_path / "out"), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["controls"]["rag"]
    assert set(told) == {"distractor", "shuffled", "invented"}
    assert told["distractor"]["difference"]["mean"] <= 0
    assert told["invented"]["n"] > 0
    assert "Is the context used" in (tmp_path / "out" / "report.html").read_text()
    listed = run_graft(
        workspace, "lab", "errors", "--domain", str(pack), "--run", str(tmp_path / "out"), "--arm", "rag"
    )
    assert "rag: " in listed.stdout
    advice = run_graft(
        workspace, "advise", "--domain", str(pack), "--lab", str(tmp_path / "out" / "lab.json"), "--json"
    )
    assert json.loads(advice.stdout)["recommendation"]["lab"]["questions"] > 0
