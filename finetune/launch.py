"""Starting, watching and stopping a training process, from whichever process wants an adapter.

The process dies with its parent (Linux: parent-death signal); what it has done is in its checkpoints.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import TrainError
from core.files import write_json
from core.settings import TrainSettings
from finetune.dataset import DatasetCard
from finetune.job import Job, Status, read_status
from finetune.run import ADAPTER_FOLDER

# Minutes of training and passes over the data; the default has to fit `make run`'s 10 minutes with loading and saving.
PRESETS: dict[str, dict[str, float]] = {
    "default": {"max_minutes": 9.0, "epochs": 1.0},
    "best": {"max_minutes": 43.0, "epochs": 3.0},
}


def make_job(
    settings: TrainSettings, card: DatasetCard, rows: Path, base: Path, base_name: str, activity_folder: Path
) -> Job:
    """The job for a built data set under these settings."""
    preset = PRESETS[settings.preset]
    return Job(
        domain=card.domain,
        base=str(base),
        base_name=base_name,
        rows=str(rows),
        data_hash=card.data_hash,
        prompt_hash=card.prompt_hash,
        test_hash=card.test_hash,
        method=settings.method,
        preset=settings.preset,
        rank=settings.rank,
        alpha=2 * settings.rank,
        learning_rate=settings.learning_rate,
        epochs=preset["epochs"],
        max_minutes=settings.max_minutes or preset["max_minutes"],
        max_steps=settings.max_steps,
        seed=settings.seed,
        activity_folder=str(activity_folder),
    )


class TrainingProcess:
    """One run of one job in `runs/<key>`. Starting a job that is done already returns at once."""

    def __init__(self, job: Job, runs: Path) -> None:
        self.job = job
        self.folder = runs / job.key
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def adapter_folder(self) -> Path:
        """Where the trained adapter stands when the run is done."""
        return self.folder / ADAPTER_FOLDER

    def status(self) -> Status:
        """The run's progress, read from its folder."""
        return read_status(self.folder)

    def start(self) -> None:
        """Start or resume the run."""
        if self.status().state == "done":
            return
        write_json(self.folder / "job.json", self.job.model_dump())
        (self.folder / "status.json").unlink(missing_ok=True)
        with (self.folder / "train.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "finetune.run", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one libc call, no Python state touched
                env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "WANDB_DISABLED": "true"},
            )

    def wait(self, on_status: Callable[[Status], None] = lambda status: None, every: float = 0.5) -> Path:
        """Wait for the end, reporting; returns the adapter folder. Raises TrainError with the run's own reason."""
        while True:
            status = self.status()
            on_status(status)
            if status.state == "done":
                return self.adapter_folder
            if self._process is None or self._process.poll() is not None:
                status = self.status()
                if status.state == "done":
                    return self.adapter_folder
                reason = status.error or f"it ended with code {self._process.returncode if self._process else '?'}"
                raise TrainError(f"training of '{self.job.domain}' stopped: {reason}; log: {self.folder / 'train.log'}")
            time.sleep(every)

    def stop(self) -> None:
        """Stop the run; its last checkpoint stays, and `start` goes on from there."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGTERM)
