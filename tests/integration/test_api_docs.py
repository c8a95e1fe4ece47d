"""The examples of docs/api.md, run as they stand against a served domain."""

import os
import re
import subprocess
import sys
from pathlib import Path

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
        return "", "alice  60 requests a minute  1 MiB"
    if "/metrics" in example:
        return "", "graft_ready"
    if "x-sections" in example:
        return "## Cause\n\nA clash. [1]\n\n## Remedy\n\nRename it.", "## Remedy"
    return "In February. [1]", "shrubs/quince.md" if "citation" in example else "In February."


@pytest.mark.parametrize(("language", "example"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_runs(language, example, tmp_path):
    reply, trace = reply_and_trace(example)
    with served_app(ScriptedService(reply), tmp_path / "run" / "control") as served:
        code = example.replace("http://127.0.0.1:7860", served.base_url).replace("django", "garden")
        command = ["bash", "-ec", code] if language == "bash" else [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=environment(tmp_path)
        )
    assert done.returncode == 0, done.stderr
    assert trace in done.stdout


def environment(folder: Path) -> dict[str, str]:
    """The environment of someone who types the examples: the graft under test on PATH, a workspace of their own."""
    folder.joinpath("bin").mkdir()
    graft = folder / "bin" / "graft"
    graft.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m graft.cli "$@"\n')
    graft.chmod(0o755)
    path = f"{graft.parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "GRAFT_WORKSPACE": str(folder / "workspace")}


def test_there_are_examples_of_each_kind():
    assert {language for language, _ in EXAMPLES} == {"bash", "python"}
    assert len(EXAMPLES) >= 8
