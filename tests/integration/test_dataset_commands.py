"""The dataset commands as processes: check's exit code, a real HTTP teacher, a review with answers typed in."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_teacher import fake_teacher
from tests.support.graft_process import REPOSITORY, copy_pack, graft_command, run_graft
from tests.unit.finetune.conftest import write_index

pytestmark = pytest.mark.integration

# Two leaflets that the pack's own examples do not ask about.
EXTRA = {
    "trees/maple.md": ["Plant maple in a deep bed of loam. Feed maple with compost once every spring."],
    "trees/larch.md": ["Plant larch in open stony ground. Feed larch with leaf mould once every autumn."],
    "trees/alder.md": ["Plant alder by the water's edge. Feed alder with nothing but rain in its first summer."],
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return copy_pack("garden", tmp_path)


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_index(folder / "corpora" / "garden", EXTRA)
    return folder


def write_well(body: dict[str, Any]) -> str:
    """A question, an answer and a true quote about whatever plant the passage is about."""
    text = body["messages"][-1]["content"]
    found = re.search(r"Plant (\w+) .*\n?.*(Feed \1 with [^.]+\.)", text)
    assert found is not None
    return json.dumps({"question": f"What does a {found[1]} eat?", "answer": f"{found[2]}", "quote": found[2]})


def graft(ws: Path, *arguments: str, typed: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    if typed is None:
        return run_graft(ws, *arguments, **env)
    return subprocess.run(
        graft_command(*arguments),
        input=typed,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        env={**os.environ, "GRAFT_WORKSPACE": str(ws), **env},
        check=False,
    )


def synthesize(ws: Path, pack: Path, url: str, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    chosen = ("--domain", str(pack), "--teacher-url", url, "--teacher-model", "big", "--formats", "text")
    return graft(ws, "dataset", "synthesize", *chosen, "--json", *more, **env)


def candidates(pack: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pack / "examples/review.jsonl").read_text().splitlines()]


def train(pack: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pack / "examples/train.jsonl").read_text().splitlines()]


def test_teacher_is_asked_with_a_schema_and_good_answers_wait(ws, pack):
    def script(body: dict[str, Any]) -> str:
        return write_well(body) if "larch" not in body["messages"][-1]["content"] else '{"question": "broken'

    with fake_teacher(script) as teacher:
        done = synthesize(ws, pack, teacher.url)
    report = json.loads(done.stdout)
    assert report == {"kept": 2, "asked": 3, "refused": {"no JSON of the asked shape": 1}, "waiting": 2}
    assert all(body["response_format"]["type"] == "json_schema" for body in teacher.requests)
    assert {body["model"] for body in teacher.requests} == {"big"}
    assert {item["example"]["evidence"][0]["source"] for item in candidates(pack)} == {
        "trees/maple.md",
        "trees/alder.md",
    }
    with fake_teacher(write_well) as teacher:
        again = synthesize(ws, pack, teacher.url)
    assert (json.loads(again.stdout)["asked"], teacher.requests) == (0, [])


def test_teacher_without_schemas_is_asked_in_words(ws, pack):
    with fake_teacher(lambda body: 400 if "response_format" in body else write_well(body)) as teacher:
        done = synthesize(ws, pack, teacher.url, "--concurrency", "1")
    assert json.loads(done.stdout)["kept"] == 3
    assert ["response_format" in body for body in teacher.requests] == [True, False, False, False]


def test_busy_teacher_is_asked_again(ws, pack):
    answers = iter([429, 503, *["good"] * 9])

    def script(body: dict[str, Any]) -> "str | int":
        answer = next(answers)
        return answer if isinstance(answer, int) else write_well(body)

    with fake_teacher(script) as teacher:
        done = synthesize(ws, pack, teacher.url, "--concurrency", "1")
    assert json.loads(done.stdout)["kept"] == 3


def test_key_is_sent_only_when_its_variable_is_named(ws, pack):
    with fake_teacher(write_well) as teacher:
        synthesize(ws, pack, teacher.url, "--count", "1", OPENAI_API_KEY="sk-other")
        synthesize(ws, pack, teacher.url, "--teacher-key-env", "MY_KEY", MY_KEY="sk-mine")
    assert "sk-other" not in str(teacher.keys)
    assert teacher.keys[-1] == "Bearer sk-mine"


def test_unreachable_or_refusing_teacher_is_one_line(ws, pack):
    with fake_teacher(lambda body: 401) as teacher:
        refused = synthesize(ws, pack, teacher.url)
    assert refused.returncode == 1
    assert "--teacher-key-env" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr
    nameless = graft(ws, "dataset", "synthesize", "--domain", str(pack), "--teacher-url", teacher.url)
    assert nameless.returncode == 1
    assert "--teacher-model" in nameless.stderr


def test_person_accepts_edits_rejects_and_quits(ws, pack, tmp_path):
    with fake_teacher(write_well) as teacher:
        synthesize(ws, pack, teacher.url)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/What does/Tell me what/' \"$1\"\n")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    before = len(train(pack))
    done = graft(
        ws, "dataset", "review", "--domain", str(pack), typed="a\ne\na\nq\n", EDITOR=str(editor), VISUAL=str(editor)
    )
    assert "2 accepted, 0 rejected, 1 still to review" in done.stdout
    questions = [line["question"] for line in train(pack)[before:]]
    assert questions[0].startswith("What does")
    assert questions[1].startswith("Tell me what")
    done = graft(ws, "dataset", "review", "--domain", str(pack), typed="r\n")
    assert "2 accepted, 1 rejected, 0 still to review" in done.stdout
    assert len(train(pack)) == before + 2


def test_accept_all_leaves_what_is_not_sound(ws, pack):
    with fake_teacher(write_well) as teacher:
        synthesize(ws, pack, teacher.url)
    lines = candidates(pack)
    lines[0]["example"]["question"] = train(pack)[1]["question"]
    (pack / "examples/review.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = len(train(pack))
    done = graft(ws, "dataset", "review", "--domain", str(pack), "--accept-all", "--json")
    assert json.loads(done.stdout) == {"pending": 1, "accepted": 2}
    assert "answers the question of" in done.stderr
    assert len(train(pack)) == before + 2


def leaflets(pack: Path) -> dict[str, list[str]]:
    root = pack / "corpus"
    return {path.relative_to(root).as_posix(): [path.read_text()] for path in sorted(root.rglob("*.*"))}


def test_rewritten_answer_takes_the_place_of_the_old_one(pack, tmp_path):
    ws = tmp_path / "workspace"
    write_index(ws / "corpora" / "garden", leaflets(pack))

    def script(body: dict[str, Any]) -> str:
        answer = body["messages"][-1]["content"].rpartition("Answer: ")[2]
        return json.dumps({"answer": f"With pleasure: {answer}"})

    before = len(train(pack))
    with fake_teacher(script) as teacher:
        chosen = ("--domain", str(pack), "--teacher-url", teacher.url, "--teacher-model", "big", "--count", "1")
        report = graft(ws, "dataset", "restyle", *chosen, "--json")
    assert json.loads(report.stdout)["kept"] == 1
    graft(ws, "dataset", "review", "--domain", str(pack), "--accept-all")
    changed = [line for line in train(pack) if str(line["answer"]).startswith("With pleasure: ")]
    assert len(changed) == 1
    assert len(train(pack)) == before


def test_check_fails_on_errors_and_names_the_line(pack, prepared, tmp_path):
    ws = tmp_path / "workspace"
    write_index(ws / "corpora" / "garden", leaflets(pack))
    (ws / "models").symlink_to(prepared.llm.parent)
    sound = graft(ws, "dataset", "check", "--domain", str(pack), "--json")
    assert (sound.returncode, json.loads(sound.stdout)["errors"]) == (0, 0)
    path = pack / "examples/train.jsonl"
    path.write_text(path.read_text().replace("Prune quince in", "Prune quince on") + '{"id": "x"}\n')
    report = graft(ws, "dataset", "check", "--domain", str(pack))
    assert report.returncode == 1
    assert f"{path}:19: error: question: Field required" in report.stdout
    (line,) = [line for line in report.stdout.splitlines() if "is not in shrubs/quince.md" in line][:1]
    assert line.startswith(f"{path}:1: error")


def test_stats_are_a_table_and_one_page(pack, prepared, tmp_path):
    ws = tmp_path / "workspace"
    ws.mkdir()
    (ws / "models").symlink_to(prepared.llm.parent)
    done = graft(ws, "dataset", "stats", "--domain", str(pack), "--out", str(tmp_path / "page.html"))
    assert "examples" in done.stdout
    assert "<svg" in (tmp_path / "page.html").read_text()
