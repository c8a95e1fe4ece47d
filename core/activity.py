"""Marks in the workspace that say "an answer is being generated", so that training in another process can wait.

A mark is a file named after the answering process. A mark of a dead process, or an old one, does not count.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_OLDEST_MARK_SECONDS = 300.0
_numbers = count()


@contextmanager
def answering(folder: Path) -> Iterator[None]:
    """Mark `folder` while an answer is generated."""
    mark = folder / f"answering.{os.getpid()}.{next(_numbers)}"
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def is_answering(folder: Path) -> bool:
    """Whether any living process is generating an answer."""
    now = time.time()
    for mark in folder.glob("answering.*"):
        try:
            fresh = now - mark.stat().st_mtime < _OLDEST_MARK_SECONDS
            os.kill(int(mark.name.split(".")[1]), 0)
        except (OSError, ValueError, IndexError):
            mark.unlink(missing_ok=True)
            continue
        if fresh:
            return True
    return False
