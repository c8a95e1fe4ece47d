"""Follows the folders of all corpora in the serving process: a thread for each corpus that has a watched one.

What is to be followed stands in the workspace, so it goes on after a restart. Looks again and again (ingest.watch).
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import GraftError
from graft.corpora import CorpusRegistry
from graft.follow import follow

log = logging.getLogger("graft.watch")
Sync = Callable[[str], dict[str, Any]]
_LEAVE_SECONDS = 5.0


@dataclass
class _Followed:
    """One corpus that is followed: its thread, what ends it, and what it said last."""

    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    said: str = "starting"
    trouble: bool = False


class FolderWatch:
    """Follows folders until it is closed. `sync(corpus)` brings one corpus up to date and returns its receipt."""

    def __init__(self, registry: CorpusRegistry, sync: Sync, max_file_bytes: int, interval: float = 1.0) -> None:
        self._registry, self._sync, self._max_bytes, self._interval = registry, sync, max_file_bytes, interval
        self._followed: dict[str, _Followed] = {}
        self._lock = threading.Lock()
        self._is_open = False

    def start(self) -> None:
        """Follow what the workspace says is to be followed."""
        self._is_open = True
        for name in self._registry.names():
            self.refresh(name)

    def refresh(self, corpus: str) -> None:
        """Follow a corpus as its file has it now. Does nothing before `start`."""
        if not self._is_open:
            return
        folders = [Path(folder.path) for folder in self._registry.read(corpus).folders if folder.watching]
        with self._lock:
            known = self._followed.pop(corpus, None)
            if known is not None:
                known.stop.set()
            if folders:
                followed = self._followed[corpus] = _Followed()
                followed.thread = threading.Thread(
                    target=self._run, args=(corpus, folders, followed), name=f"graft-watch-{corpus}", daemon=True
                )
                followed.thread.start()

    def state(self, corpus: str) -> tuple[str, bool]:
        """What the following of a corpus said last, and whether that is a trouble; empty: it is not followed."""
        followed = self._followed.get(corpus)
        return ("", False) if followed is None else (followed.said, followed.trouble)

    def close(self) -> None:
        """Follow nothing any more; waits a little for what is being written."""
        self._is_open = False
        with self._lock:
            followed, self._followed = list(self._followed.values()), {}
        for one in followed:
            one.stop.set()
        for one in followed:
            if one.thread is not None:
                one.thread.join(_LEAVE_SECONDS)

    def _run(self, corpus: str, folders: list[Path], followed: _Followed) -> None:
        from ingest.watch import Watcher

        def sync() -> dict[str, Any]:
            started = time.perf_counter()
            report = {**self._sync(corpus), "seconds": round(time.perf_counter() - started, 3)}
            followed.said, followed.trouble = f"looked at {time.strftime('%H:%M:%S')}, up to date", False
            return report

        def out(line: str) -> None:
            log.info("%s: %s", corpus, line)
            followed.said, followed.trouble = line, False

        def say(line: str) -> None:
            # Rejects are said indented, file by file; the table of documents shows them.
            if line.startswith(" ") or "rejected" in line or "watching" in line:
                log.info("%s: %s", corpus, line)
                return
            log.warning("%s: %s", corpus, line)
            followed.said, followed.trouble = line, True

        try:
            follow(sync, Watcher(folders, self._max_bytes, self._interval), out, say, corpus, stop=followed.stop)
        except GraftError as error:
            followed.said, followed.trouble = f"{error}; stopped watching", True
        except Exception:
            log.exception("watching %s failed", corpus)
            followed.said, followed.trouble = "watching failed; the reason is in the log of the workspace", True
