"""The writer's lock names its holder, also in the moment before the holder has written its name."""

import json
import os
import threading
import time

import pytest
from filelock import FileLock

from core.errors import IndexBusyError
from ingest.lock import writer_lock


def test_a_second_writer_is_told_who_writes(tmp_path):
    said = f"written by process {os.getpid()} "
    with writer_lock(tmp_path), pytest.raises(IndexBusyError, match=said), writer_lock(tmp_path):
        pass
    with writer_lock(tmp_path):
        pass


def test_the_name_is_waited_for(tmp_path):
    note = {"pid": 1, "command": "graft ingest", "since": "10:00:00"}

    def write_late():
        time.sleep(0.2)
        (tmp_path / "writer.json").write_text(json.dumps(note))

    with FileLock(tmp_path / "writer.lock"):
        thread = threading.Thread(target=write_late)
        thread.start()
        with pytest.raises(IndexBusyError, match=r"process 1 \(graft ingest, since 10:00:00\)"), writer_lock(tmp_path):
            pass
        thread.join()


def test_a_writer_that_ends_meanwhile_is_followed(tmp_path):
    lock = FileLock(tmp_path / "writer.lock", thread_local=False)
    lock.acquire()
    release = threading.Timer(0.2, lock.release)
    release.start()
    with writer_lock(tmp_path):
        assert (tmp_path / "writer.json").exists()
    release.join()


def test_the_note_of_a_killed_writer_names_nobody(tmp_path):
    (tmp_path / "writer.json").write_text(json.dumps({"pid": 2**22 + 7, "command": "graft", "since": "09:00:00"}))
    with (
        FileLock(tmp_path / "writer.lock"),
        pytest.raises(IndexBusyError, match="another process"),
        writer_lock(tmp_path),
    ):
        pass
