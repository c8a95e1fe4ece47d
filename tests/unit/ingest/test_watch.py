"""Noticing that files change, by looking."""

import threading

import pytest

from ingest.watch import Watcher


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpus" / "sub").mkdir(parents=True)
    (tmp_path / "corpus" / "a.md").write_text("a")
    return tmp_path / "corpus"


def changed(watcher):
    return watcher.wait(threading.Event(), 0.03)


@pytest.fixture
def watcher(folder):
    return Watcher([folder], 1 << 20, interval=0.01)


def test_quiet_is_no_change(watcher):
    assert not changed(watcher)


@pytest.mark.parametrize("what", ["new", "changed", "renamed", "gone", "refused", "folder gone"])
def test_every_change_is_noticed_once(watcher, folder, what):
    if what == "new":
        (folder / "sub" / "b.md").write_text("b")
    elif what == "changed":
        (folder / "a.md").write_text("aa")
    elif what == "renamed":
        (folder / "a.md").rename(folder / "sub" / "a.md")
    elif what == "gone":
        (folder / "a.md").unlink()
    elif what == "refused":
        (folder / ".hidden.md").write_text("x")
    else:
        folder.rename(folder.with_name("away"))
    assert changed(watcher)
    assert not changed(watcher)


def test_a_folder_that_comes_back_is_noticed(watcher, folder):
    away = folder.with_name("away")
    folder.rename(away)
    assert changed(watcher)
    away.rename(folder)
    assert changed(watcher)


def test_what_changes_again_and_again_is_one_change(watcher, folder):
    def write(number=[0]):  # noqa: B006 - a counter
        number[0] += 1
        if number[0] < 5:
            (folder / "a.md").write_text("a" * number[0] * 2)
        return look()

    look, watcher.look = watcher.look, write
    assert changed(watcher)
    assert not changed(watcher)
    assert (folder / "a.md").read_text() == "a" * 8


def test_a_stop_ends_the_wait(watcher):
    stop = threading.Event()
    stop.set()
    assert not watcher.wait(stop)
