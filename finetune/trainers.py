"""One trainer per kind of data, all TRL's: GraftTrainer for rows, DPOTrainer for pairs, KTOTrainer for judgements.

What they have in common (sizes, limits, checkpoints, validation) is set here from the job. Knows no run folder's files.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from datasets import Dataset
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from finetune.checkpoints import WholeCheckpoints
from finetune.job import Job
from finetune.loading import load_model, lora_config
from finetune.steps import batch_sizes, steps_of
from finetune.trainer import GraftTrainer, recommended_config

# Columns that TRL reads, by kind of data; Trainer would choke on the others.
_COLUMNS = {
    "rows": ("prompt", "completion"),
    "pairs": ("prompt", "chosen", "rejected"),
    "judgements": ("prompt", "completion", "label"),
}


class RowsTrainer(WholeCheckpoints, GraftTrainer):
    """Supervised training with whole checkpoints."""


class PairsTrainer(WholeCheckpoints, DPOTrainer):
    """DPO with whole checkpoints."""


class JudgementsTrainer(WholeCheckpoints, KTOTrainer):
    """KTO with whole checkpoints."""


def make_trainer(
    job: Job,
    rows: Sequence[dict[str, Any]],
    held_out: Sequence[dict[str, Any]],
    tokenizer: Any,
    folder: str,
    callbacks: Sequence[Any],
    give_way: Callable[[], None],
) -> Any:
    """The trainer of a job: its model, its data and its limits. Checkpoints go below `folder`."""
    columns = _COLUMNS[job.facts.data]
    data: dict[str, Any] = {
        "train_dataset": _dataset(rows, columns),
        "eval_dataset": _dataset(held_out, columns) if held_out else None,
        "processing_class": tokenizer,
        "callbacks": list(callbacks),
    }
    common = _common(job, len(rows), folder, validate=bool(held_out))
    # Before the model: making the arguments joins the processes of a training, and then each loads its part alone.
    kind, args = _kind_and_arguments(job, common)
    data |= {"model": load_model(job), "args": args, "peft_config": lora_config(job)}
    if kind is not RowsTrainer:
        return kind(**data)
    groups = [row.get("group") or str(number) for number, row in enumerate(rows)]
    rates: dict[str, Any] = {"decision_weight": job.decision_weight, "loraplus_lr_ratio": job.loraplus_lr_ratio}
    return kind(give_way=give_way, groups=groups, **rates, **data)


def _kind_and_arguments(job: Job, common: dict[str, Any]) -> tuple[type[Any], Any]:
    if job.facts.data == "rows":
        return RowsTrainer, recommended_config(job.rows_per_step, **common)
    common = common | {"beta": job.beta, "max_length": 2048, "optim": "adamw_torch_fused", "weight_decay": 0.0}
    return (
        (PairsTrainer, DPOConfig(**common)) if job.facts.data == "pairs" else (JudgementsTrainer, KTOConfig(**common))
    )


def _common(job: Job, rows: int, folder: str, *, validate: bool) -> dict[str, Any]:
    cuda = torch.cuda.is_available()
    batch, accumulated = batch_sizes(job, cuda=cuda)
    every = min(job.save_every, max(1, steps_of(job, rows, cuda=cuda) // 4)) if validate else job.save_every
    small = cuda and torch.cuda.get_device_properties(0).total_memory < 40 << 30
    return {
        "output_dir": folder,
        "per_device_train_batch_size": batch,
        "per_device_eval_batch_size": batch,
        "gradient_accumulation_steps": accumulated,
        "gradient_checkpointing": (not cuda or small) if job.checkpointing is None else job.checkpointing,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "constant",  # Pacing sets the rate: it knows the time that is left
        "num_train_epochs": job.epochs,
        "max_steps": job.max_steps or -1,
        "save_strategy": "steps",
        "save_steps": every,
        "save_total_limit": 3,
        "eval_strategy": "steps" if validate else "no",
        "eval_steps": every,
        "load_best_model_at_end": validate,
        "metric_for_best_model": "eval_loss" if validate else None,
        "prediction_loss_only": True,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "seed": job.seed,
        "data_seed": job.seed,
        "report_to": ["trackio"] if job.trackio else [],
        "project": f"graft-{job.domain}",
        "run_name": job.key,
        "trackio_space_id": None,
        "trackio_static_space_id": False,  # nothing leaves this machine
        "disable_tqdm": True,
        "bf16": cuda,
        "use_cpu": not cuda,
        "dataloader_pin_memory": cuda,
        "ddp_find_unused_parameters": False,
    }


def _dataset(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Dataset:
    return Dataset.from_list([{name: row[name] for name in columns} for row in rows])
