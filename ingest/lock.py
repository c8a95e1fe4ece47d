"""One writer per workspace: a file lock that names its holder. Readers need no lock."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import IndexBusyError
from core.files import disk_error


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the writer's lock of `folder`. Raises IndexBusyError that names the process which holds it."""
    from filelock import FileLock, Timeout

    path, note = folder / "writer.lock", folder / "writer.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise IndexBusyError(
            f"{folder} is being written by {_holder(note)}: wait until it is done, or stop it"
        ) from error
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


def _holder(note: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        holder = json.loads(note.read_text())
        return f"process {holder['pid']} ({holder['command']}, since {holder['since']})"
    return "another process"
