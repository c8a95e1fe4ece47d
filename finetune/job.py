"""A training job and its progress as files in a run folder: job.json in, status.json and metrics.jsonl out.

The folder is named after what determines the run, so that the same job finds its checkpoint, or its result.
"""

import contextlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.errors import TrainError
from core.files import read_json, sha256_json, write_json
from core.processes import is_alive
from core.settings import Method
from core.training_figures import TrainingFigures
from finetune.presets import METHODS, MethodFacts

State = Literal["waiting", "loading", "training", "paused", "saving", "done", "failed"]
# Where things stand on this machine, and what does not change the result.
_NOT_IN_KEY = {"base", "rows", "activity_folder", "parent_folder", "share", "trackio"}


class Job(BaseModel):
    """What one run trains, fully determined. Times in minutes; `max_steps` counts optimiser steps.

    `parent` is the adapter that dpo and kto go on from, `parent_folder` where it stands; `teacher` wrote the answers;
    `share` is that of the training records which the rows are of, None: all.
    `rows_per_step` is over all `processes`, `rows_per_batch` what one of them holds at once. Every `save_every` steps
    there is a checkpoint: what comes after the last one is done again after a kill.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    base: str
    base_name: str
    rows: str
    data_hash: str
    prompt_hash: str
    test_hash: str | None = None
    method: Method = "lora"
    preset: str = "default"
    rank: int = 16
    alpha: int = 32
    targets: Literal["all-linear", "attention", "mlp"] = "all-linear"
    dropout: float = 0.0
    beta: float = 0.1
    learning_rate: float = 1e-3
    loraplus_lr_ratio: float = 1.0
    decision_weight: float = 1.0
    epochs: float = 1.0
    max_minutes: float = 9.0
    max_steps: int | None = None
    rows_per_step: int = 4
    rows_per_batch: int = 8
    checkpointing: bool | None = None
    warmup_share: float = 0.05
    validation_share: float = 0.0
    patience: int = 3
    save_every: int = 25
    processes: int = 1
    seed: int = 7
    parent: str | None = None
    teacher: str | None = None
    share: float | None = None
    parent_folder: str | None = None
    activity_folder: str | None = None
    trackio: bool = False

    @property
    def key(self) -> str:
        """Twelve hex digits that name the run folder: everything that changes the result, and no path."""
        return sha256_json(self.model_dump(exclude=_NOT_IN_KEY))[:12]

    @property
    def facts(self) -> MethodFacts:
        """What its method is."""
        return METHODS[self.method]

    @property
    def options(self) -> dict[str, Any]:
        """What was chosen, for the manifest of what it makes."""
        chosen = ["learning_rate", "epochs", "rows_per_step", "max_minutes", "max_steps", "validation_share"]
        if self.facts.trains == "adapter" and self.parent is None:
            chosen += ["rank", "alpha", "targets", "dropout", "loraplus_lr_ratio"]
        chosen += ["decision_weight"] if self.facts.data == "rows" else ["beta"]
        if self.teacher:
            chosen += ["teacher"]
        if self.share is not None:
            chosen += ["share"]
        return self.model_dump(include=set(chosen))


class Status(TrainingFigures):
    """Where a run stands. `pid` is of the training process, `validation_loss` the last one."""

    state: State = "waiting"
    pid: int | None = None
    error: str | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)


def write_status(folder: Path, status: Status) -> None:
    """Replace the status file."""
    write_json(folder / "status.json", status.model_dump())


def read_status(folder: Path) -> Status:
    """The status of a run; a run whose process has died without a word reads as failed, and can be resumed."""
    path = folder / "status.json"
    if not path.exists():
        return Status()
    status = Status.model_validate(read_json(path, TrainError))
    if status.state in ("done", "failed", "waiting") or status.pid is None:
        return status
    if is_alive(status.pid):
        return status
    return status.model_copy(
        update={"state": "failed", "error": "the training process was stopped; the same command resumes it"}
    )


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The lines of a run's metrics.jsonl, in order; a line that a kill cut off is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found
