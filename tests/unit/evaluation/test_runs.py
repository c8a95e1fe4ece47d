"""Runs on disk: found by name or path, read whole, their misses listed for people."""

import json
import os

import pytest

from core.errors import LabError, RequestError
from evaluation.runs import count_misses, find_run, missed_rows, misses, read_run

from .conftest import Gardener, half_taught, run


@pytest.fixture
def lab(pack, tmp_path):
    run(pack, tmp_path, Gardener(half_taught), ["base", "rag", "hybrid"])
    return tmp_path / "out"


def test_a_run_is_read_as_it_was_written(lab):
    found = read_run(lab)
    assert found.arms == ["base", "rag", "hybrid"]
    assert found.focus == "hybrid"
    assert len(found.rows) == 21
    assert count_misses(found, "base") == {"unsupported": 6}


def test_a_miss_tells_what_a_person_needs(lab):
    found = misses(read_run(lab), "rag", ["ignored"])
    assert [miss.id for miss in found] == ["sage-0"]
    (miss,) = found
    assert miss.question == "When is sage pruned? (yaml 0)"
    assert (miss.expected, miss.said) == ('{"plant": "sage", "month": "April"}', "plant: fern\nmonth: May")
    assert miss.evidence == ["sage.md: Prune sage in April"]
    assert "distractors" in miss.remedy
    assert miss.command == "graft lab collect --class ignored --domain garden"


def test_every_miss_of_an_arm_is_listed_unless_a_class_is_named(lab):
    found = read_run(lab)
    assert len(misses(found, "base")) == 6
    assert missed_rows(found, "base", ["ignored"]) == []
    assert misses(found, "hybrid") == []
    refused = [miss for miss in misses(found, "base") if miss.id == "none-mango"]
    assert refused[0].expected == "a refusal"


@pytest.mark.parametrize(
    ("arm", "kinds", "line"),
    [("rug", [], "no arm 'rug' in that lab: it asked base, rag, hybrid"), ("rag", ["ignred"], "no class 'ignred'")],
)
def test_what_is_not_there_is_named(lab, arm, kinds, line):
    with pytest.raises(RequestError, match=line):
        misses(read_run(lab), arm, kinds)


def test_runs_are_found_by_age_name_and_path(tmp_path):
    for at, name in ((9, "a"), (5, "b"), (7, "c")):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "lab.json"
        path.write_text("{}")
        os.utime(path, ns=(at, at))
    assert find_run(None, tmp_path).name == find_run("latest", tmp_path).name == "a"
    assert find_run("previous", tmp_path).name == "c"
    assert find_run("b", tmp_path) == find_run(str(tmp_path / "b" / "lab.json"), tmp_path) == tmp_path / "b"
    with pytest.raises(LabError, match=r"no lab run 'd': give a folder .* one of b, c, a"):
        find_run("d", tmp_path)
    with pytest.raises(LabError, match=r"no lab run in .*: run graft lab first"):
        find_run(None, tmp_path / "none")
    for name in ("b", "c"):
        (tmp_path / name / "lab.json").unlink()
    with pytest.raises(LabError, match="no earlier lab run"):
        find_run("previous", tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("lab.json", "[]", "not a lab's result"),
        ("lab.json", "{", "cannot be read as JSON"),
        ("answers.jsonl", None, "answers.jsonl is missing"),
        ("answers.jsonl", "{}\n", "answers.jsonl:1: cannot be read"),
    ],
)
def test_broken_files_are_named(lab, name, content, line):
    if content is None:
        (lab / name).unlink()
    else:
        (lab / name).write_text(content)
    with pytest.raises(LabError, match=line):
        read_run(lab)


def test_a_search_command_holds_the_question_quoted(lab):
    path = lab / "answers.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[7] |= {"miss": "below_budget"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = misses(read_run(lab), "rag", ["below_budget"])
    assert found[0].command == "graft search 'When is quince pruned? (json 0)' -k 50 --domain garden"
