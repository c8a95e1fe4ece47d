"""The commands about lab runs as processes: misses listed, turned into candidates without leaks, runs compared."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_teacher import fake_teacher
from tests.support.graft_process import REPOSITORY, copy_pack, graft_command, run_graft
from tests.unit.finetune.conftest import write_index

pytestmark = pytest.mark.integration

# The test set asks about maple's bed; what else the leaflet says may be asked about.
DOCUMENTS = {
    "trees/maple.md": [
        "Plant maple in a deep bed of loam, and water it for a year.",
        "Feed maple with compost once every spring, before the leaves open.",
    ],
    "trees/larch.md": ["Feed larch with leaf mould once every autumn, after the needles fall."],
}
TESTED = {
    "id": "maple-bed",
    "question": "In what bed does a maple want to stand?",
    "answer": "In a deep bed of loam.",
    "format": "text",
    "evidence": [{"source": "trees/maple.md", "quote": "Plant maple in a deep bed of loam"}],
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = copy_pack("garden", tmp_path)
    with (folder / "examples" / "test.jsonl").open("a") as file:
        file.write(json.dumps(TESTED) + "\n")
    return folder


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_index(folder / "corpora" / "garden", DOCUMENTS)
    write_run(folder / "lab" / "garden" / "20260101-000000", right=True)
    write_run(folder / "lab" / "garden" / "20260102-000000", right=False)
    return folder


def write_run(folder: Path, *, right: bool) -> None:
    """A run of one arm on twelve wordings of one question, all right or all wrong."""
    folder.mkdir(parents=True)
    text = TESTED["answer"] if right else "In a pot of sand and gravel.\x1b[2J"
    rows = []
    for number in range(12):
        example = {**TESTED, "id": f"maple-{number}"}
        answer = {"text": text, "answer": text, "format": "text", "arm": "hybrid", "model": "m"}
        score = {"answerable": True, "prose_f1": float(right), "right": right}
        miss = None if right else "unsupported"
        rows.append(
            {"arm": "hybrid", "example": example, "answer": answer, "failure": None, "score": score, "miss": miss}
        )
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    document = {
        "schema_version": 2, "domain": "garden", "test_hash": "t", "primary": "prose_f1", "margin": None,
        "arms": {"hybrid": {"prose_f1": {"mean": float(right), "ci95": [0, 1], "n": 12}}},
    }  # fmt: skip
    (folder / "lab.json").write_text(json.dumps(document))


def write_well(body: dict[str, Any]) -> str:
    text = body["messages"][-1]["content"]
    found = re.search(r"Feed (\w+) [^.]+\.", text)
    assert found is not None
    return json.dumps({"question": f"What does a {found[1]} eat?", "answer": found[0], "quote": found[0]})


def test_errors_lists_the_misses_of_the_latest_run(ws, pack):
    done = run_graft(ws, "lab", "errors", "--domain", str(pack), "--limit", "2")
    assert done.returncode == 0
    for part in ("In what bed does a maple want to stand?", "expected  In a deep bed of loam.", r"gravel.\x1b[2J",
                 "evidence  trees/maple.md: Plant maple", f"graft lab collect --class unsupported --domain {pack}",
                 "hybrid: 12 misses of 12 questions"):  # fmt: skip
        assert part in done.stdout
    assert "\x1b" not in done.stdout
    told = json.loads(
        run_graft(ws, "lab", "errors", "--domain", str(pack), "--json", "--run", "20260101-000000").stdout
    )
    assert told["misses"] == []
    wrong = run_graft(ws, "lab", "errors", "--domain", str(pack), "--class", "wrong")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)


def test_collect_asks_near_the_misses_and_never_about_the_test_set(ws, pack):
    with fake_teacher(write_well) as teacher:
        done = run_graft(
            ws,
            "lab",
            "collect",
            "--domain",
            str(pack),
            "--teacher-url",
            teacher.url,
            "--teacher-model",
            "big",
            "--json",
        )
    assert json.loads(done.stdout)["kept"] == 1, done.stderr
    asked = " ".join(body["messages"][-1]["content"] for body in teacher.requests)
    assert "compost" in asked
    assert "loam" not in asked  # the test set asks about it
    assert "larch" not in asked  # no miss is about it
    (line,) = (pack / "examples" / "review.jsonl").read_text().splitlines()
    candidate = json.loads(line)
    assert (candidate["status"], candidate["example"]["question"]) == ("pending", "What does a maple eat?")
    assert "maple-" not in line
    assert "loam" not in json.dumps(candidate["example"])


def test_compare_exits_1_when_an_arm_got_clearly_worse(ws, pack):
    worse = run_graft(ws, "lab", "compare", "previous", "latest", "--domain", str(pack))
    assert worse.returncode == 1
    assert "clearly worse: hybrid: Right; hybrid: Prose F1" in worse.stderr
    better = run_graft(ws, "lab", "compare", "latest", "previous", "--domain", str(pack), "--json")
    assert (better.returncode, json.loads(better.stdout)["regressions"]) == (0, [])


def test_the_lab_itself_still_runs_without_a_subcommand(ws, pack):
    done = run_graft(ws, "lab", "--domain", str(pack), "--arms", "rug")
    assert done.returncode == 1
    assert "unknown arm 'rug'" in done.stderr


def test_labels_typed_in_are_held_against_the_rules(ws, pack):
    done = subprocess.run(
        graft_command("lab", "label", "--domain", str(pack), "--count", "3"),
        input="w\nr\nq\n", capture_output=True, text=True, cwd=REPOSITORY, timeout=120, check=False,
        env={**os.environ, "GRAFT_WORKSPACE": str(ws)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "expected  In a deep bed of loam." in done.stdout
    assert "unsupported" not in done.stdout  # the rules' verdict must not lead the reader
    assert "agrees with people in 50.0%" in done.stdout
    assert "too strict 1" in done.stdout
    told = json.loads(run_graft(ws, "lab", "label", "--domain", str(pack), "--json").stdout)
    assert told["rules"]["n"] == 2


def test_a_judge_at_any_endpoint_is_asked_for_verdicts(ws, pack):
    with fake_teacher(lambda body: '{"reason": "No loam.", "right": false}') as teacher:
        done = run_graft(
            ws, "lab", "judge", "--domain", str(pack), "--judge-url", teacher.url, "--judge-model", "big", "--json"
        )
    told = json.loads(done.stdout)
    assert told["arms"]["hybrid"]["judged"]["mean"] == 0.0
    assert told["with_rules"] == 1.0
    assert json.loads((ws / "lab/garden/20260102-000000/judge.json").read_text()) == told
    with fake_teacher(lambda body: 401) as teacher:
        refused = run_graft(
            ws, "lab", "judge", "--domain", str(pack), "--judge-url", teacher.url, "--judge-model", "other"
        )
    assert refused.returncode == 1
    assert "--judge-key-env" in refused.stderr
