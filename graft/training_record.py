"""What a training is at, in files of the domain's runs folder, for whoever looks: the page, also after a restart.

`training.json` is written by the process that trains, whichever that is; the lock of the folder says that it lives; a
file `cancel` asks it to stop. Between steps the run's own folder says more (finetune.job).
"""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from core.errors import TrainError, TrainingCancelledError
from core.files import read_json, write_json
from core.folder_lock import is_locked
from core.service import TrainingStatus
from graft.one_training import only_training, patient_lock

FILE, CANCEL, STARTED = "training.json", "cancel", "started.json"
_WRITE_SECONDS = 1.0
_STOPPABLE = ("preparing", "training", "paused")


class Started(BaseModel):
    """A command that was started to train: it has no record before it has imported what it needs."""

    pid: int
    time: float
    log: str


class TrainingRecord(BaseModel):
    """The last training of a domain. `run` names its folder once there is one, `plan` is for people.

    `activate`: whether what it makes is to answer at once; `ignore_memory`: whether it was to start without enough.
    """

    pid: int
    started: float
    status: TrainingStatus = TrainingStatus()
    run: str | None = None
    plan: list[str] = []
    adapter: str | None = None
    cancelled: bool = False
    activate: bool = True
    ignore_memory: bool = False


class Recorder:
    """Writes the record of one training as it goes on."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        # It prepares from the first: a record without a state would seem to be of no training.
        self._record = TrainingRecord(pid=os.getpid(), started=time.time(), status=TrainingStatus(state="preparing"))
        self._written = 0.0

    def note(self, **changes: object) -> None:
        """Write down what does not come with a status: run, plan, adapter, cancelled."""
        self._record = self._record.model_copy(update=changes)
        self._write()

    def tell(self, status: TrainingStatus) -> None:
        """Write down a status: at once where its state is new, else now and then.

        Raises TrainingCancelledError when somebody asked for that and there is still something to stop.
        """
        before, self._record = self._record.status, self._record.model_copy(update={"status": status})
        changed = (before.state, before.detail) != (status.state, status.detail) and status.state != "preparing"
        first = before.state == "preparing" and not before.detail
        if changed or first or before.state != status.state or time.monotonic() - self._written > _WRITE_SECONDS:
            self._write()
        if status.state in _STOPPABLE and (self._runs / CANCEL).exists():
            self.note(cancelled=True)
            raise TrainingCancelledError(
                "the training was cancelled: it can go on from its last checkpoint (graft train --resume)"
            )

    def _write(self) -> None:
        write_json(self._runs / FILE, self._record.model_dump())
        self._written = time.monotonic()


@contextmanager
def recorded(runs: Path, domain: str) -> Iterator[Recorder]:
    """The recorder of the one training that the workspace of `runs` may have at a time, and the domain with it.

    Raises TrainError while there is another.
    """
    handle = patient_lock(runs)
    if handle is None:
        record = read_record(runs)
        who = f" (process {record.pid})" if record else ""
        raise TrainError(f"a training of '{domain}' goes on already{who}: wait for it, or cancel it on the page")
    try:
        with only_training(runs.parent, domain):
            _forget_old_wish(runs)
            recorder = Recorder(runs)
            recorder.note()
            yield recorder
    finally:
        os.close(handle)


def _forget_old_wish(runs: Path) -> None:
    """Remove a wish to cancel that was meant for another training; this one may have been asked while it started."""
    started, wish = read_started(runs), runs / CANCEL
    since = started.time if started is not None and started.pid == os.getpid() else math.inf
    if wish.exists() and wish.stat().st_mtime < since:
        wish.unlink()


def read_started(runs: Path) -> Started | None:
    """The command that was started last, or None."""
    path = runs / STARTED
    return Started.model_validate(read_json(path, TrainError)) if path.exists() else None


def read_record(runs: Path) -> TrainingRecord | None:
    """The record of the last training, or None."""
    path = runs / FILE
    return TrainingRecord.model_validate(read_json(path, TrainError)) if path.exists() else None


def goes_on(runs: Path) -> bool:
    """Whether a training goes on, in whatever process."""
    return is_locked(runs)


def ask_to_cancel(runs: Path) -> None:
    """Ask the training that goes on to stop; it does so within a second or two."""
    (runs / CANCEL).touch()
