"""What happens on the lab's and the documents' pages, without a browser: what is sent, and that it is sent once."""

import asyncio
from dataclasses import fields
from types import SimpleNamespace

import pytest

from tests.fake_lab import NEW, OLD, FakeLabDesk
from tests.fakes import FakeShelf
from ui.collections import Collections
from ui.documents import Documents, View
from ui.documents_parts import DocumentsParts
from ui.lab import Lab, LabView
from ui.lab_parts import LabParts


def parts(kind):
    """Each component by its own name."""
    return kind(**{field.name: field.name for field in fields(kind)})


def pressed(what, source=""):
    """A button inside a list."""
    return SimpleNamespace(what=what, source=source)


def run(work):
    return asyncio.run(work)


@pytest.fixture
def desk(tmp_path):
    return FakeLabDesk(tmp_path)


@pytest.fixture
def lab(desk):
    return Lab(desk, parts(LabParts))


def test_what_has_not_changed_is_not_sent_again(lab, desk):
    first = run(lab.load(LabView()))
    assert {"runs", "running", "before", "after", "start", "arms", "timer"} <= set(first)
    assert set(run(lab.look(first["view"]))) == {"view"}
    begun = run(lab.start(["rag"], True, 50, 11, False, False, first["view"]))
    assert "running" in begun
    assert desk.wishes[0].questions is None
    desk.change(share=0.5)
    moved = run(lab.look(begun["view"]))
    assert "50%" in moved["running"]
    assert "runs" not in moved


def test_another_browser_is_shown_what_runs(lab):
    run(lab.start(["rag"], False, 20, 3, True, True, LabView()))
    assert "25%" in run(lab.load(LabView()))["running"]


def test_trouble_is_a_sentence(lab, desk):
    assert "at least one" in run(lab.start([], True, 50, 11, False, False, LabView()))["line"]
    assert desk.wishes == []
    assert "two different labs" in run(lab.compare(OLD, OLD))["comparison"]
    assert "Choose two labs" in run(lab.compare(None, OLD))["comparison"]


def test_misses_of_a_class_are_collected(lab, desk):
    opened = run(lab.act(pressed("errors", NEW), LabView()))
    assert opened["view"].arm == "rag"
    chosen = run(lab.act(pressed("class wrong_field"), opened["view"]))
    assert chosen["misses"].count("<details>") == 2
    again = run(lab.act(pressed("class wrong_field"), chosen["view"]))
    assert again["misses"].count("<details>") == 5
    run(lab.collect(3, chosen["view"]))
    assert desk.collected == [(NEW, "rag", "wrong_field", 3)]


@pytest.fixture
def shelf():
    return FakeShelf()


@pytest.fixture
def collections(shelf):
    made = parts(DocumentsParts)
    return Collections(shelf, made, Documents(shelf, made))


def test_a_new_collection_is_opened_at_once(collections, shelf):
    shown = run(collections.create("My notes", ""))
    assert "No document fits" in shown["table"]
    assert "Remove this collection" in shown["remove"]
    assert "needs a name" in run(collections.create(" ", ""))["line"]
    assert list(shelf.titles) == ["my-notes"]


def test_watching_is_looked_at_and_sent_when_it_says_something_new(collections, shelf):
    opened = run(collections.load(None, "", "", View()))
    assert set(run(collections.look("garden", "", "", opened["view"]))) == {"view"}
    shelf.own.watch("/srv/notes")
    assert "/srv/notes" in run(collections.look("garden", "", "", opened["view"]))["folders"]


def test_a_collection_that_is_gone_gives_way_to_the_first(collections, shelf):
    name = shelf.create("My notes")
    shelf.remove(name)
    shown = run(collections.load(name, "", "", View()))
    assert "shrubs/quince.md" in shown["table"]
