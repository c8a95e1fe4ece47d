"""Notices when the files of a corpus change. Looks again and again instead of being told.

So it works on network shares and container mounts, which tell nothing, and when a folder vanishes and comes back.
Knows no index.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ingest.files import FoundFile, find_files

# Looking may take so much of the time, at most.
_SHARE = 0.05
_SHORTEST_SECONDS = 1.0
# Changes that follow each other are one; but a file that is written without end is not waited for.
_LONGEST_SECONDS = 15.0


class Watcher:
    """Watches files and folders, `paths`. `interval`: seconds between looks, at least."""

    def __init__(self, paths: Sequence[Path], max_bytes: int, interval: float = _SHORTEST_SECONDS) -> None:
        self._paths, self._max_bytes, self._interval = paths, max_bytes, interval
        self._pause = interval
        self._known = self.look()

    def look(self) -> str:
        """A hash of all names, sizes and times: another hash, another state."""
        started = time.monotonic()
        digest = hashlib.sha256()
        there = [path for path in self._paths if path.exists()]
        digest.update(repr([str(path) for path in there]).encode())
        for entry in find_files(there, self._max_bytes):
            about = (entry.size, entry.mtime_ns) if isinstance(entry, FoundFile) else entry.reason
            digest.update(repr((entry.source, about)).encode())
        self._pause = max(self._interval, (time.monotonic() - started) / _SHARE)
        return digest.hexdigest()

    def wait(self, stop: threading.Event, seconds: float | None = None) -> bool:
        """Wait until something has changed and then been quiet for a moment.

        False when nothing did within `seconds` or `stop` was set.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while not stop.wait(self._pause):
            if (state := self.look()) != self._known:
                self._known = self._settle(state, stop)
                return not stop.is_set()
            if deadline is not None and time.monotonic() > deadline:
                return False
        return False

    def _settle(self, state: str, stop: threading.Event) -> str:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while not stop.wait(self._pause):
            before, state = state, self.look()
            if state == before or time.monotonic() > deadline:
                break
        return state
