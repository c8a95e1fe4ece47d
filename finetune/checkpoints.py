"""Checkpoints that are whole or do not count: a kill while one is written leaves the one before it to resume from.

Trainer writes a checkpoint file by file. What says that it is complete is a list of its files and sizes, written last
and in one step. Knows no method; a mixin for any of Transformers' trainers.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.files import write_json
from finetune.adapter_files import WEIGHTS

MARK = "whole.json"
SECONDS = "seconds.json"
_PREFIX = "checkpoint-"


class WholeCheckpoints:
    """Mixin before a Trainer: marks each checkpoint when all of it is on disk. `seconds` tells those used so far."""

    seconds: Callable[[], float] | None = None

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        trainer: Any = self
        super()._save_checkpoint(model, trial)  # type: ignore[misc]
        trainer.accelerator.wait_for_everyone()  # with several processes, each writes its own random state
        if trainer.args.should_save:
            checkpoint = Path(trainer.args.output_dir) / f"{_PREFIX}{trainer.state.global_step}"
            mark_whole(checkpoint, self.seconds() if self.seconds else None)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        trainer: Any = self
        super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]
        model, folder = trainer.model if model is None else model, Path(resume_from_checkpoint)
        # Where another adapter lies in a subfolder, as the frozen one that preferences are compared with does, Trainer
        # (Transformers 5.16) loads that one only, and the training would begin anew with an old optimiser.
        beside = any(folder.glob(f"*/{WEIGHTS}"))
        if beside and (folder / WEIGHTS).is_file() and hasattr(model, "load_adapter"):
            trained = model.active_adapters[0]
            model.load_adapter(str(folder), trained, is_trainable=True)
            model.set_adapter(trained)


def mark_whole(checkpoint: Path, seconds: float | None = None) -> None:
    """Bring the files of a checkpoint to disk and list them; `seconds` of training are kept beside them."""
    if seconds is not None:
        write_json(checkpoint / SECONDS, seconds)
    files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file() and path.name != MARK]
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    write_json(checkpoint / MARK, {str(path.relative_to(checkpoint)): path.stat().st_size for path in files})


def is_whole(checkpoint: Path) -> bool:
    """Whether every file of a checkpoint is there in its full size."""
    try:
        sizes = json.loads((checkpoint / MARK).read_text(encoding="utf-8"))
        return bool(sizes) and all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def last_whole(folder: Path) -> Path | None:
    """The last whole checkpoint in `folder`; what is not whole is deleted."""
    found: dict[int, Path] = {}
    for path in folder.glob(f"{_PREFIX}*"):
        if is_whole(path):
            found[int(path.name.removeprefix(_PREFIX))] = path
        else:
            shutil.rmtree(path, ignore_errors=True)
    return found[max(found)] if found else None


def seconds_used(checkpoint: Path) -> float:
    """Seconds of training that led to a checkpoint."""
    path = checkpoint / SECONDS
    return float(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else 0.0
