"""One writer at a time, in threads and processes; a holder that dies gives the lock back."""

import subprocess
import sys
import threading

import pytest

from core.errors import WorkspaceError
from core.folder_lock import is_locked, only_writer

HOLDER = """
import sys, time
from pathlib import Path
from core.folder_lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_writers_take_turns(tmp_path):
    order = []

    def write(name):
        with only_writer(tmp_path / "new"):
            order.append(f"{name} in")
            order.append(f"{name} out")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.split()[1] for entry in order] == ["in", "out"] * 4
    assert list((tmp_path / "new").iterdir()) == []


def test_a_killed_holder_gives_it_back(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert is_locked(tmp_path)
        with pytest.raises(WorkspaceError, match="another process"), only_writer(tmp_path, patience=0.1):
            pass
    finally:
        holder.kill()
        holder.wait()
    assert not is_locked(tmp_path)
    with only_writer(tmp_path, patience=0):
        assert is_locked(tmp_path)
