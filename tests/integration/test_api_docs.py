"""The examples of docs/api.md, run as they stand against a served domain."""

import re
import subprocess
import sys

import pytest

from tests.support.graft_process import REPOSITORY
from tests.support.scripted_service import ScriptedService
from tests.support.served_app import served_app

pytestmark = pytest.mark.integration
EXAMPLES = re.findall(r"```(bash|python)\n(.*?)```", (REPOSITORY / "docs" / "api.md").read_text(), re.DOTALL)
CARE = '{"citations": [1], "answer": {"plant": "quince", "prune": "February", "sun": "full"}}'
CHECK = '{"citations": [1], "answer": {"id": "fields.E003", "level": "Error", "message": "No."}}'


def reply_and_trace(example: str) -> tuple[str, str]:
    """What the scripted model writes for an example, and what its output must then hold."""
    if "class Check" in example:
        return CHECK, "level='Error'"
    if '"format": "json"' in example:
        return CARE, "February"
    if "keys.txt" in example:
        return "", "Alice's key is"
    return "In February. [1]", "shrubs/quince.md" if "citation" in example else "In February."


@pytest.mark.parametrize(("language", "example"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_runs(language, example, tmp_path):
    reply, trace = reply_and_trace(example)
    with served_app(ScriptedService(reply), tmp_path / "run" / "control") as served:
        code = example.replace("http://127.0.0.1:7860", served.base_url).replace("django", "garden")
        command = ["bash", "-ec", code] if language == "bash" else [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert trace in done.stdout


def test_documented_key_is_accepted(tmp_path):
    from serve.api_keys import KeyRing

    example = next(code for language, code in EXAMPLES if "keys.txt" in code)
    done = subprocess.run(
        ["bash", "-ec", example], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert KeyRing(tmp_path / "keys.txt").holder(done.stdout.split()[-1]) == "alice"


def test_there_are_examples_of_each_kind():
    assert {language for language, _ in EXAMPLES} == {"bash", "python"}
    assert len(EXAMPLES) >= 6
