"""One writer at a time, among threads and processes alike: a lock on a folder, which leaves no file behind.

The system gives it back when its holder ends, however that ends.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import WorkspaceError
from core.files import disk_error

_LOOK_SECONDS = 0.02


@contextmanager
def only_writer(folder: Path, patience: float = 20.0) -> Iterator[None]:
    """Hold the lock of `folder`, which is made if need be. Raises WorkspaceError after `patience` seconds.

    Not reentrant: whoever holds it calls nothing that takes it.
    """
    handle = try_lock(folder)
    deadline = time.monotonic() + patience
    while handle is None:
        if time.monotonic() > deadline:
            raise WorkspaceError(f"{folder} is being written by another process: try again when it is done")
        time.sleep(_LOOK_SECONDS)
        handle = try_lock(folder)
    try:
        yield
    finally:
        os.close(handle)


def try_lock(folder: Path) -> int | None:
    """Take the lock of `folder`, held until the returned descriptor is closed; None: somebody else holds it."""
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise disk_error(error, folder) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_locked(folder: Path) -> bool:
    """Whether somebody holds the lock of `folder`."""
    if not folder.is_dir():
        return False
    handle = try_lock(folder)
    if handle is not None:
        with suppress(OSError):
            os.close(handle)
    return handle is None
