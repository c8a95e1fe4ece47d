"""The training process: `python -m finetune.run RUN_FOLDER` reads job.json there and leaves an adapter or a model.

Its own process, niced, so that a closed page or a crash of the server does not touch it. Progress goes to status.json.
With several GPUs it is started once per GPU, by accelerate; the first of them writes.
"""

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

from core.errors import GraftError, TrainError
from core.files import read_json
from finetune.checkpoints import last_whole
from finetune.job import Job, Status, write_status
from finetune.validation import split_rows

ADAPTER_FOLDER = "adapter"
MODEL_FOLDER = "model"


def train(folder: Path) -> Path:
    """Run the job of `folder` to its end, from its last whole checkpoint if there is one; returns what it made.

    That is the folder of an adapter, or of a whole model where the method gives one (see finetune.presets).
    """
    job = Job.model_validate(read_json(folder / "job.json", TrainError))
    first = int(os.environ.get("RANK", "0")) == 0
    if first:
        write_status(folder, Status(state="loading", pid=os.getpid()))

    from transformers import AutoTokenizer, set_seed

    from finetune.callbacks import Pacing, Reporting
    from finetune.trainers import make_trainer
    from finetune.validating import Validating

    set_seed(job.seed)
    rows, held_out = split_rows(_read_rows(job), job.validation_share, job.seed)
    pacing = Pacing(job, folder)
    reporting = Reporting(folder, pacing, os.getpid())
    checkpoints = folder / "checkpoints"
    if job.trackio:
        _set_up_trackio(folder)
    trainer = make_trainer(
        job,
        rows,
        held_out,
        AutoTokenizer.from_pretrained(job.base),
        str(checkpoints),
        [pacing, reporting, *([Validating(job.patience, pacing.progress, pacing.together)] if held_out else [])],
        pacing.give_way,
    )
    trainer.seconds = lambda: pacing.seconds
    trainer.accelerator.wait_for_everyone()
    last = last_whole(checkpoints) if first and checkpoints.is_dir() else None
    last = _the_same_everywhere(last)
    if last:
        pacing.resume(last)
    if first:
        reporting.resume(int(last.name.rpartition("-")[2]) if last else 0)
        pacing.on_pause = reporting.pause
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    steps = trainer.state.global_step
    if first:
        reporting.write("saving", steps, steps)
    target = _save(trainer, job, folder)
    if first:
        metrics = _metrics(trainer, reporting, pacing, len(rows), len(held_out))
        done = Status(state="done", progress=1.0, step=steps, steps=steps, loss=reporting.loss, seconds=pacing.seconds)
        write_status(folder, done.model_copy(update={"metrics": metrics}))
    return target


def _read_rows(job: Job) -> list[dict[str, Any]]:
    with Path(job.rows).open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    if not rows:
        raise TrainError(f"{job.rows} holds no rows: run graft dataset build --domain {job.domain}")
    return rows


def _save(trainer: Any, job: Job, folder: Path) -> Path:
    """Write what was trained; merge it where the method is published so. All processes take part, the first writes."""
    adapter, model = folder / ADAPTER_FOLDER, folder / MODEL_FOLDER
    if job.facts.trains == "adapter":
        trainer.save_model(str(adapter))
        shutil.rmtree(adapter / "ref", ignore_errors=True)  # the frozen copy that preferences are compared with
        if job.facts.result == "adapter":
            return adapter
    if job.facts.trains == "weights":
        trainer.save_model(str(folder / "full"))
    if not trainer.accelerator.is_main_process:
        return model
    from finetune.adapter_merge import merged_model, write_model

    shutil.rmtree(model, ignore_errors=True)
    if job.facts.trains == "weights":
        write_model(Path(job.base), folder / "full", None, model)
        shutil.rmtree(folder / "full")
    else:
        write_model(Path(job.base), adapter, merged_model(Path(job.base), adapter), model)
    return model


def _metrics(trainer: Any, reporting: Any, pacing: Any, rows: int, held_out: int) -> dict[str, Any]:
    from finetune.callbacks import read_metrics

    lines = read_metrics(reporting.path)
    losses = [line["loss"] for line in lines if "loss" in line]
    found: dict[str, Any] = {
        "train_loss": sum(losses) / len(losses) if losses else None,
        "last_loss": reporting.loss,
        "seconds": round(pacing.seconds, 1),
        "steps": trainer.state.global_step,
        "rows": rows,
        "tokens_per_second": reporting.tokens_per_second,
        "fast_path": getattr(trainer, "why_not_fast", "another trainer") is None,
        "peak_memory_gib": _peak_memory(),
    }
    if held_out:
        found |= {
            "validation_rows": held_out,
            "validation_loss": trainer.state.best_metric,
            "best_step": trainer.state.best_global_step,
        }
    last = next((line for line in reversed(lines) if "rewards/margins" in line), None)
    if last:
        found |= {"reward_margin": last["rewards/margins"], "reward_accuracy": last.get("rewards/accuracies")}
    return found


def _peak_memory() -> float:
    """GiB that this process needed at most: on its GPU where it has one, else in main memory."""
    import resource

    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**30, 2)
    # Linux counts in KiB, macOS in bytes.
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 2)


def _the_same_everywhere(value: Any) -> Any:
    """What the first process has found, in all of them."""
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]


def _set_up_trackio(folder: Path) -> None:
    from importlib.util import find_spec

    if find_spec("trackio") is None:
        raise TrainError(
            "train.trackio needs trackio: pip install trackio, or leave it off (metrics.jsonl has the same)"
        )
    os.environ.setdefault("TRACKIO_DIR", str(folder / "trackio"))


def main() -> int:
    """Entry point of the process: errors end up in status.json, for whoever watches the run."""
    folder = Path(sys.argv[1])
    os.nice(10)
    try:
        train(folder)
    except BaseException as error:  # noqa: BLE001 - whatever ends the run is reported in its status
        known = isinstance(error, GraftError)
        if not known:
            traceback.print_exc()
        reason = str(error) if known else f"{type(error).__name__}: {error} (see {folder / 'train.log'})"
        write_status(folder, Status(state="failed", error=" ".join(reason.split()), pid=os.getpid()))
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return 130
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
