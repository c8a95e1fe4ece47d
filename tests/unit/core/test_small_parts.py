"""Standalone questions, arms, activity marks, and the workspace."""

import json
import os

import pytest

from core.activity import answering, is_answering
from core.arms import ARMS, parse_arm
from core.errors import RequestError, WorkspaceError
from core.standalone import standalone_question
from core.workspace import FORMAT, Workspace


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("And in winter?", "When do I prune quince? And in winter?"),
        ("How long does it last?", "When do I prune quince? How long does it last?"),
        ("What does CSRF_COOKIE_AGE do to it?", "What does CSRF_COOKIE_AGE do to it?"),
        ("What is the level of fields.E003 then?", "What is the level of fields.E003 then?"),
        ("Which soil suits thyme?", "Which soil suits thyme?"),
        ("Is it " + "very " * 14 + "long?", "Is it " + "very " * 14 + "long?"),
    ],
)
def test_a_question_that_leans_on_the_last_one_gets_it(question, expected):
    assert standalone_question(question, ["Hello?", "When do I prune quince?"]) == expected


def test_without_history_only_white_space_is_folded():
    assert standalone_question("  And \n it? ", []) == "And it?"


@pytest.mark.parametrize("name", list(ARMS))
def test_every_arm_can_be_constrained(name):
    plain, constrained = parse_arm(name), parse_arm(f"{name}+schema")
    assert plain is ARMS[name]
    assert constrained.constrained
    assert constrained.name == f"{name}+schema"
    assert not ARMS[name].constrained
    assert constrained.model_copy(update={"name": name, "constrained": False}) == plain


@pytest.mark.parametrize("name", ["", "ragg", "schema", "+schema", "rag+schema+schema", "Hybrid"])
def test_an_unknown_arm_lists_the_known_ones(name):
    with pytest.raises(RequestError, match=r"unknown arm .*base, icl, rag"):
        parse_arm(name)


def test_a_mark_stands_while_answering(tmp_path):
    assert not is_answering(tmp_path / "run")
    with answering(tmp_path / "run"), answering(tmp_path / "run"):
        assert is_answering(tmp_path / "run")
    assert not is_answering(tmp_path / "run")


def test_a_mark_goes_when_answering_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), answering(tmp_path):
        _ = 1 / 0
    assert not is_answering(tmp_path)


def test_the_mark_of_a_dead_process_does_not_count(tmp_path):
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    mark = tmp_path / f"answering.{dead}.0"
    mark.touch()
    (tmp_path / "answering.nonsense").touch()
    assert not is_answering(tmp_path)
    assert not mark.exists()


def test_an_old_mark_does_not_count(tmp_path):
    with answering(tmp_path):
        (mark,) = tmp_path.glob("answering.*")
        os.utime(mark, (1, 1))
        assert not is_answering(tmp_path)


def test_a_new_workspace_carries_its_format(tmp_path):
    workspace = Workspace.open(tmp_path / "a" / "b")
    assert json.loads((workspace.root / "workspace.json").read_text()) == {"format": FORMAT}
    assert Workspace.open(tmp_path / "a" / "b").root == workspace.root


def test_a_newer_workspace_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "workspace.json").write_text(f'{{"format": {FORMAT + 1}}}')
    with pytest.raises(WorkspaceError, match=r"newer Graft, or another --workspace"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": null}'])
def test_a_damaged_marker_says_what_to_write(tmp_path, content):
    (tmp_path / "workspace.json").write_text(content)
    with pytest.raises(WorkspaceError, match=r"workspace.json is damaged: write"):
        Workspace.open(tmp_path)


def test_a_workspace_where_a_file_stands_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="file"):
        Workspace.open(tmp_path / "file")
