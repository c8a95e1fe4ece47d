"""One writer per workspace: a file lock that names its holder. Readers need no lock."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from core.errors import IndexBusyError
from core.files import disk_error

if TYPE_CHECKING:
    from filelock import BaseFileLock

# A holder writes its note just after it took the lock: so long does another wait for the name.
_NOTE_SECONDS = 1.0


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the writer's lock of `folder`. Raises IndexBusyError that names the process which holds it."""
    from filelock import FileLock

    path, note = folder / "writer.lock", folder / "writer.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        _acquire(lock, note, folder)
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:120]
        with suppress(OSError):  # only a courtesy to those who wait; a full disk shows where it matters
            note.write_text(json.dumps({"pid": os.getpid(), "since": time.strftime("%H:%M:%S"), "command": command}))
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: "BaseFileLock", note: Path, folder: Path) -> None:
    from filelock import Timeout

    deadline = time.monotonic() + _NOTE_SECONDS
    while True:
        try:
            lock.acquire()
        except Timeout as error:
            holder = _holder(note)
            if holder is None and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            raise IndexBusyError(
                f"{folder} is being written by {holder or 'another process'}: wait until it is done, or stop it"
            ) from error
        return


def _holder(note: Path) -> str | None:
    """The process that holds the lock; None before its note is written. A killed holder's note names nobody alive."""
    with suppress(OSError, ValueError, KeyError):
        holder = json.loads(note.read_text())
        if psutil.pid_exists(holder["pid"]):
            return f"process {holder['pid']} ({holder['command']}, since {holder['since']})"
    return None
