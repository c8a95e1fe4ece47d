"""Folders that are followed: what is there is taken over, changes too, until it is stopped."""

import threading

import pytest

from core.errors import IngestError
from core.workspace import Workspace
from graft.corpora import CorpusRegistry, CorpusSources
from graft.watching import FolderWatch

RECEIPT = {"indexed": 0, "updated": 0, "renamed": 0, "deleted": 0, "chunks": 4, "rejected": [], "notes": []}


class Syncs:
    """What is synced, and a way to wait for it."""

    def __init__(self):
        self.names, self.came, self.error = [], threading.Semaphore(0), None

    def __call__(self, corpus):
        self.names.append(corpus)
        self.came.release()
        if self.error is not None:
            raise self.error
        return {**RECEIPT, "indexed": 1}

    def wait(self):
        assert self.came.acquire(timeout=10)


@pytest.fixture
def syncs():
    return Syncs()


@pytest.fixture
def registry(tmp_path):
    return CorpusRegistry(Workspace.open(tmp_path / "ws"))


@pytest.fixture
def watch(registry, syncs):
    watch = FolderWatch(registry, syncs, 1 << 20, interval=0.02)
    yield watch
    watch.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def follow(registry, folder, *, watching=True):
    registry.write("notes", CorpusSources(title="Notes").with_folder(str(folder), watching=watching))


def settled(watch, wanted):
    """What is said of the corpus, once that holds `wanted`."""
    for _ in range(500):
        said, trouble = watch.state("notes")
        if wanted in said:
            return said, trouble
        threading.Event().wait(0.02)
    raise AssertionError(f"'{wanted}' is not in '{said}'")


def test_what_the_workspace_says_is_followed_from_the_start(registry, watch, syncs, folder):
    follow(registry, folder)
    assert watch.state("notes") == ("", False)
    watch.start()
    syncs.wait()
    assert settled(watch, "1 indexed")[1] is False
    (folder / "a.md").write_text("new")
    syncs.wait()
    assert set(syncs.names) == {"notes"}


def test_a_folder_that_is_stopped_is_looked_at_no_more(registry, watch, syncs, folder):
    follow(registry, folder)
    watch.start()
    syncs.wait()
    thread = watch._followed["notes"].thread
    follow(registry, folder, watching=False)
    watch.refresh("notes")
    thread.join(10)
    assert not thread.is_alive()
    assert watch.state("notes") == ("", False)


def test_trouble_is_said_and_watching_goes_on(registry, watch, syncs, folder):
    syncs.error = IngestError("the disk is full")
    follow(registry, folder)
    watch.start()
    said, trouble = settled(watch, "the disk is full")
    assert trouble
    assert "trying again" in said
    syncs.error = None
    (folder / "a.md").write_text("new")
    assert settled(watch, "1 indexed")[1] is False


def test_nothing_is_followed_before_the_start_and_after_the_end(registry, watch, syncs, folder):
    follow(registry, folder)
    watch.refresh("notes")
    watch.close()
    watch.refresh("notes")
    assert syncs.names == []
