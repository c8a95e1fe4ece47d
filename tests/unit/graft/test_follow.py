"""Following documents: what is said of each sync, and which troubles are waited out."""

import json
import re
import threading

import pytest

from core.errors import IndexBusyError, IndexMismatchError, IngestError, MassDeletionError
from graft.follow import follow

RECEIPT = {
    "found": 2, "indexed": 0, "updated": 0, "renamed": 0, "skipped": 2, "deleted": 0, "chunks": 4, "embedded": 0,
    "seconds": 0.5, "notes": [], "rejected": [],
}  # fmt: skip


class Scripted:
    """Receipts and errors in turn; stops after the last. Also the watcher: remembers how long it was to wait."""

    def __init__(self, *turns):
        self.turns, self.stop, self.waits = list(turns), threading.Event(), []

    def sync(self):
        turn = self.turns.pop(0)
        if isinstance(turn, BaseException):
            raise turn
        return turn

    def wait(self, stop, seconds=None):
        self.waits.append(seconds)
        if not self.turns:
            stop.set()
        return True


def run(*turns, as_json=False):
    script, out, said = Scripted(*turns), [], []
    follow(script.sync, script, out.append, said.append, "d", as_json=as_json, stop=script.stop)
    return script, out, said


def test_one_line_for_each_sync_that_changed_something():
    _, out, said = run(RECEIPT, RECEIPT, {**RECEIPT, "updated": 1, "deleted": 2})
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in out] == [
        "nothing has changed; 4 chunks in 0.5 s",
        "1 updated, 2 deleted; 4 chunks in 0.5 s",
    ]
    assert said == ["watching the documents of 'd'; Ctrl-C ends it", "stopped watching"]


def test_a_reject_is_said_once():
    rejected = {**RECEIPT, "rejected": [{"source": "a.md", "reason": "empty"}]}
    _, out, said = run(RECEIPT, rejected, rejected)
    assert len(out) == 1
    assert said[1:-1] == ["1 file rejected:", "  a.md  empty"]


def test_as_json_each_sync_is_a_line():
    _, out, _ = run(RECEIPT, RECEIPT, {**RECEIPT, "updated": 1}, as_json=True)
    assert [json.loads(line)["updated"] for line in out] == [0, 1]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (MassDeletionError("this would remove all. Nothing was removed. If it is meant, use --yes"), None),
        (IndexBusyError("another writes"), 5.0),
        (IngestError("the disk is full"), 30.0),
    ],
)
def test_troubles_that_may_pass_are_said_once_and_waited_out(error, seconds):
    script, out, said = run(error, error, {**RECEIPT, "indexed": 1}, error)
    assert script.waits == [seconds, seconds, None, seconds]
    assert len(out) == 1
    troubles = [line for line in said if str(error)[:10] in line]
    assert len(troubles) == 2
    assert "--yes" not in " ".join(said)


def test_what_needs_a_decision_ends_it():
    with pytest.raises(IndexMismatchError):
        run(IndexMismatchError("another embedder"))


def test_an_interrupt_ends_it_quietly():
    _, _, said = run(RECEIPT, KeyboardInterrupt())
    assert said[-1] == "stopped watching"
