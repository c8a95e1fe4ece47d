"""Collections of one's own on real indexes: created, filled, searched in the chat's way, followed, removed."""

import asyncio
import threading

import pytest

from core.errors import RequestError
from graft.corpus_shelf import LocalCorpusShelf
from graft.followed_folders import watch_folders
from tests.integration.test_corpus_desk import add, quiet, service

__all__ = ["service"]

pytestmark = pytest.mark.integration


@pytest.fixture
def shelf(service):
    shelf = LocalCorpusShelf(service, watch_folders([service]))
    yield shelf
    shelf.watch.close()


def found(service, question, corpus):
    """What the chat would be shown first."""
    return asyncio.run(service.search(question, 1, corpus))[0].source


def test_a_created_collection_is_filled_searched_with_others_and_removed(shelf, service, tmp_path):
    name = shelf.create("My notes")
    assert [(row.name, row.own, row.created) for row in shelf.corpora()] == [
        ("tiny", True, False), ("my-notes", False, True),
    ]  # fmt: skip
    desk = shelf.desk(name)
    assert desk.documents("", None, 0, 10).rows == []
    (source,) = add(desk, tmp_path, quinces_md=b"# Quinces\n\nPrune quinces in February.\n")
    asyncio.run(desk.sync(quiet))
    assert desk.states([source])[0].state == "indexed"
    assert [(info.name, info.title) for info in service.corpora()] == [("tiny", ""), ("my-notes", "My notes")]
    assert found(service, "prune quinces", "my-notes") == source
    assert found(service, "prune quinces", "tiny+my-notes") == source
    assert asyncio.run(desk.verify(quiet)) == []
    assert "chunks of 1 documents" in asyncio.run(desk.rebuild(quiet))
    asyncio.run(desk.delete(source, quiet))  # the last one, which nothing has to be asked about
    assert desk.documents("", None, 0, 10).rows == []
    shelf.remove(name)
    assert [row.name for row in shelf.corpora()] == ["tiny"]
    with pytest.raises(RequestError, match="no collection"):
        shelf.desk(name)
    with pytest.raises(RequestError, match="no corpus"):
        found(service, "prune quinces", "my-notes")
    with pytest.raises(RequestError, match="not created on this page"):
        shelf.remove("tiny")


def test_a_folder_is_followed_stopped_and_taken_out(shelf, service, tmp_path):
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "inside").mkdir()
    (folder / "quinces.md").write_text("# Quinces\n\nPrune quinces in February.\n")
    desk = shelf.desk(shelf.create("Handbook"))
    shelf.watch.start()
    desk.watch(str(folder))
    until(lambda: desk.documents("", None, 0, 10).indexed == 1)
    (folder / "medlars.md").write_text("# Medlars\n\nEat medlars when they are soft.\n")
    until(lambda: desk.documents("", None, 0, 10).indexed == 2)
    until(lambda: "1 indexed" in desk.folders()[0].state or "up to date" in desk.folders()[0].state)
    with pytest.raises(RequestError, match="overlap"):
        desk.watch(str(folder / "inside"))
    # Another process of the same workspace finds it.
    other = LocalCorpusShelf(service, watch_folders([service]))
    assert [row.path for row in other.desk("handbook").folders()] == [str(folder)]
    desk.unwatch(str(folder))
    assert desk.folders()[0].watching is False
    asyncio.run(desk.forget(str(folder), quiet))
    assert desk.folders() == []
    assert desk.documents("", None, 0, 10).indexed == 0
    assert (folder / "quinces.md").exists()


def test_the_documents_of_another_domain_are_not_changed_here(shelf, service, tmp_path):
    (service.workspace.corpus("trees")).parent.mkdir(parents=True, exist_ok=True)
    pointed = service.workspace.corpus("tiny")
    service.workspace.corpus("trees").symlink_to(pointed)
    desk = shelf.desk("trees")
    assert desk.documents("", None, 0, 10).found > 0
    with pytest.raises(RequestError, match="another domain"):
        add(desk, tmp_path, a_md=b"a")
    with pytest.raises(RequestError, match="another domain"):
        desk.watch(str(tmp_path))


def test_where_users_log_in_only_named_folders_are_watched(shelf, service, tmp_path):
    folder = tmp_path / "handbook"
    folder.mkdir()
    service.settings = service.settings.model_copy(update={"auth_file": tmp_path / "users.txt"})
    with pytest.raises(RequestError, match=r"ingest\.watchable\): none"):
        shelf.desk("tiny").watch(str(folder))
    ingest = service.settings.ingest.model_copy(update={"watchable": (tmp_path,)})
    service.settings = service.settings.model_copy(update={"ingest": ingest})
    shelf.desk("tiny").watch(str(folder))
    assert [row.path for row in shelf.desk("tiny").folders()] == [str(folder)]


def until(condition):
    """Wait for what another thread does; a test hangs no longer than two minutes on it."""
    for _ in range(1200):
        if condition():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it did not come")
