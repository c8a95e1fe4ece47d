"""The training process: `python -m finetune.run RUN_FOLDER` reads job.json there and leaves an adapter folder behind.

Its own process, niced, so that a closed page or a crash of the server does not touch it. Progress goes to status.json.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import Any

from core.errors import GraftError, TrainError
from core.files import read_json
from finetune.job import Job, Status, read_status, write_status

ADAPTER_FOLDER = "adapter"


def train(folder: Path) -> Path:
    """Run the job of `folder` to its end, from its last checkpoint if there is one; returns the adapter folder."""
    job = Job.model_validate(read_json(folder / "job.json", TrainError))
    target = folder / ADAPTER_FOLDER
    write_status(folder, Status(state="loading", pid=os.getpid(), seconds=read_status(folder).seconds))

    from transformers import AutoTokenizer, set_seed
    from transformers.trainer_utils import get_last_checkpoint

    from finetune.callbacks import Pacing, Reporting
    from finetune.trainer import GraftTrainer, recommended_config

    set_seed(job.seed)
    tokenizer = AutoTokenizer.from_pretrained(job.base)
    pacing = Pacing(job, folder)
    reporting = Reporting(folder, pacing, os.getpid())
    trainer = GraftTrainer(
        model=_load_model(job),
        args=recommended_config(
            output_dir=str(folder / "checkpoints"),
            learning_rate=job.learning_rate,
            lr_scheduler_type="constant",  # Pacing sets the rate: it knows the time that is left
            num_train_epochs=job.epochs,
            max_steps=job.max_steps or -1,
            rows_per_step=job.rows_per_step,
            save_strategy="steps",
            save_steps=25,
            save_total_limit=2,
            logging_steps=1,
            seed=job.seed,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=_load_rows(job),
        processing_class=tokenizer,
        peft_config=_lora(job),
        callbacks=[pacing, reporting],
        give_way=pacing.give_way,
    )
    checkpoints = folder / "checkpoints"
    last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
    if last:
        pacing.resume(Path(last))
    result = trainer.train(resume_from_checkpoint=last)
    steps = trainer.state.global_step
    reporting.write("saving", steps, steps)
    trainer.save_model(str(target))
    metrics = _metrics(result.metrics, reporting, pacing, steps)
    status = Status(
        state="done",
        progress=1.0,
        step=steps,
        steps=steps,
        loss=reporting.loss,
        seconds=pacing.seconds,
        metrics=metrics,
    )
    write_status(folder, status)
    return target


def _load_model(job: Job) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    cuda = torch.cuda.is_available()
    return AutoModelForCausalLM.from_pretrained(
        job.base, dtype=torch.bfloat16, attn_implementation="sdpa", device_map="auto" if cuda else None
    )


def _load_rows(job: Job) -> Any:
    import json

    from datasets import Dataset

    with Path(job.rows).open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    if not rows:
        raise TrainError(f"{job.rows} holds no rows: run graft dataset build --domain {job.domain}")
    return Dataset.from_list([{"prompt": row["prompt"], "completion": row["completion"]} for row in rows])


def _lora(job: Job) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=job.rank,
        lora_alpha=job.alpha,
        target_modules="all-linear",
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )


def _metrics(raw: dict[str, float], reporting: Any, pacing: Any, steps: int) -> dict[str, Any]:
    return {
        "train_loss": raw.get("train_loss"),
        "last_loss": reporting.loss,
        "seconds": round(pacing.seconds, 1),
        "steps": steps,
        "tokens_per_second": reporting.tokens_per_second,
    }


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
