"""Collections beside a pack's documents: named, kept, removed; folders that may be watched and that may not."""

import pytest

from core.errors import RequestError, WorkspaceError
from core.workspace import Workspace
from graft.corpora import CorpusRegistry, CorpusSources, checked_folder


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def registry(workspace):
    return CorpusRegistry(workspace)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("My notes", "my-notes"),
        ("Zürich & Umgebung", "zurich-umgebung"),
        ("园艺手册", "collection"),
        ("2024", "collection-2024"),
    ],
)
def test_a_title_becomes_a_name(registry, title, name):
    assert registry.create(title, set()) == name
    assert registry.created()[name].title == title
    assert CorpusRegistry(registry._workspace).names() == [name]


def test_a_name_that_is_taken_gets_a_number(registry):
    assert registry.create("Django", {"django"}) == "django-2"


@pytest.mark.parametrize(("title", "says"), [(" ", "needs a name"), ("x" * 81, "too long"), ("MY NOTES", "already")])
def test_what_is_no_title(registry, title, says):
    registry.create("My notes", set())
    with pytest.raises(RequestError, match=says):
        registry.create(title, set())


def test_a_removed_collection_leaves_nothing(registry, workspace):
    name = registry.create("My notes", set())
    (workspace.uploads(name) / "a.md").write_text("a")
    workspace.corpus(name).mkdir(parents=True)
    registry.remove(name)
    assert registry.names() == []
    assert not workspace.uploads(name).exists()
    assert not workspace.corpus(name).exists()
    with pytest.raises(RequestError, match="not created on this page"):
        registry.remove("django")


def test_folders_are_kept_in_their_order():
    sources = CorpusSources().with_folder("/a", watching=True).with_folder("/b", watching=True)
    stopped = sources.with_folder("/a", watching=False)
    assert [(folder.path, folder.watching) for folder in stopped.folders] == [("/a", False), ("/b", True)]
    assert [folder.path for folder in stopped.without_folder("/a").folders] == ["/b"]


def test_a_broken_file_is_named(registry, workspace):
    path = workspace.sources("notes")
    path.parent.mkdir(parents=True)
    path.write_text('{"folders": 7}')
    with pytest.raises(WorkspaceError, match=r"notes\.json is damaged"):
        registry.read("notes")


def test_folders_that_may_be_watched(workspace, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    assert checked_folder(f" {notes} ", workspace) == notes.resolve()
    assert checked_folder(str(notes), workspace, (tmp_path,)) == notes.resolve()
    (tmp_path / "link").symlink_to(workspace.root)
    for text, allowed, says in [
        ("", None, "whole path"),
        ("notes", None, "whole path"),
        (str(tmp_path / "none"), None, "cannot be read"),
        (str(workspace.root / "models"), None, "cannot be read"),
        (str(workspace.root), None, "own workspace"),
        (str(tmp_path), None, "own workspace"),
        (str(tmp_path / "link"), None, "own workspace"),
        (str(notes), (workspace.root,), "may not be watched"),
    ]:
        with pytest.raises(RequestError, match=says):
            checked_folder(text, workspace, allowed)
