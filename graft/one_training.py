"""One training at a time in a workspace, whatever domain it is of and whichever process makes it: there is one machine.

A lock on the folder of all runs says that there is one, a file in it whose it is. Knows no more of trainings than that.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from core.errors import TrainError
from core.files import read_json, write_json
from core.folder_lock import is_locked, try_lock

_FILE = "training.json"
_LOOKS, _LOOK_SECONDS = 5, 0.02


class Holder(BaseModel):
    """Whose the training is that goes on, or was the last one."""

    domain: str
    pid: int


@contextmanager
def only_training(trainings: Path, domain: str) -> Iterator[None]:
    """Be the only training below `trainings`, a workspace's folder of runs. Raises TrainError beside another one."""
    handle = patient_lock(trainings)
    if handle is None:
        raise another(domain_in_training(trainings) or domain)
    try:
        write_json(trainings / _FILE, Holder(domain=domain, pid=os.getpid()).model_dump())
        yield
    finally:
        os.close(handle)


def domain_in_training(trainings: Path) -> str | None:
    """The domain that is being trained, in whatever process; None: there is no training."""
    path = trainings / _FILE
    if not is_locked(trainings) or not path.exists():
        return None
    return Holder.model_validate(read_json(path, TrainError)).domain


def another(domain: str) -> TrainError:
    """What is said to whoever would train beside the training of `domain`."""
    return TrainError(
        f"a training of '{domain}' goes on, and a workspace has one training at a time: "
        "start this one when that has ended"
    )


def patient_lock(folder: Path) -> int | None:
    """The lock of a folder, or None. Patient, because whoever only looks whether it is held has it for a moment."""
    for _ in range(_LOOKS):
        handle = try_lock(folder)
        if handle is not None:
            return handle
        time.sleep(_LOOK_SECONDS)
    return None
