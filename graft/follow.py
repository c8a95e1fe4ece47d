"""Follows the documents of a corpus: syncs now and whenever they change. Knows neither index nor terminal."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import GraftError, IndexBusyError, IndexMismatchError, MassDeletionError
from graft.receipt import change_line, rejects
from ingest.watch import Watcher

Say = Callable[[str], None]
_BUSY_SECONDS = 5.0
_TROUBLE_SECONDS = 30.0


def follow(
    sync: Callable[[], Mapping[str, Any]],
    watcher: Watcher,
    out: Say,
    say: Say,
    domain: str,
    *,
    as_json: bool = False,
    stop: threading.Event | None = None,
) -> None:
    """Call `sync`, which returns a receipt, until `stop` is set or the user interrupts.

    One line for each sync that changed something goes `out`; remarks are said.
    Troubles that may pass are said once and waited out: a folder that is gone, a full disk, another writer. A sync
    that would remove most documents waits for the files to change. Raises IndexMismatchError: that needs a decision.
    """
    stop = stop or threading.Event()
    teller = _Teller(out, say, domain, as_json=as_json)
    try:
        while not stop.is_set():
            seconds = None
            try:
                teller.tell(sync())
            except IndexMismatchError:
                raise
            except MassDeletionError as error:
                teller.trouble(f"{str(error).split(' If it is meant')[0]} Waiting for the files to change")
            except IndexBusyError as error:
                teller.trouble(f"{error}; trying again")
                seconds = _BUSY_SECONDS
            except GraftError as error:
                teller.trouble(f"{error}; trying again")
                seconds = _TROUBLE_SECONDS
            watcher.wait(stop, seconds)
    except KeyboardInterrupt:
        pass
    say("stopped watching")


class _Teller:
    """Says what is new: changes, files that were not rejected before, troubles that are not those of last time."""

    def __init__(self, out: Say, say: Say, domain: str, *, as_json: bool) -> None:
        self._out, self._say, self._domain, self._as_json = out, say, domain, as_json
        self._rejected: set[tuple[str, str]] = set()
        self._trouble = ""
        self._first = True

    def tell(self, report: Mapping[str, Any]) -> None:
        """A receipt as one line; nothing if nothing has changed."""
        self._trouble = ""
        rejected = {(entry["source"], entry["reason"]) for entry in report["rejected"]}
        new = sorted(rejected - self._rejected)
        self._rejected = rejected
        changes = change_line(report)
        if self._as_json and (self._first or changes or new):
            self._out(json.dumps(report, ensure_ascii=False, default=str))
        elif self._first or changes:
            what = changes or "nothing has changed"
            self._out(f"{_now()} {what}; {report['chunks']} chunks in {report['seconds']:.1f} s")
        if self._first:
            self._say(f"watching the documents of '{self._domain}'; Ctrl-C ends it")
        self._first = False
        lines = [{"source": source, "reason": reason} for source, reason in new]
        for line in rejects(lines, f"all of them: graft index status --rejected --domain {self._domain}"):
            self._say(line)

    def trouble(self, text: str) -> None:
        """A trouble, unless it was said last time."""
        if text != self._trouble:
            self._say(f"{_now()} {text}")
        self._trouble = text


def _now() -> str:
    return time.strftime("%H:%M:%S")
