"""The model of a job, as its method trains it: plain, in 4 bits, in full precision, or with an adapter to go on from.

Knows PEFT and bitsandbytes, but no trainer and no data.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TrainError
from core.processor import multiplies_bfloat16
from finetune.job import Job
from finetune.sizes import empty_model, linear_layers, target_names

if TYPE_CHECKING:
    from peft import LoraConfig


def load_model(job: Job) -> Any:
    """The base model, ready for the job's trainer; with the parent's adapter, trainable, where there is one."""
    import torch
    from transformers import AutoModelForCausalLM

    # All weights of `full` are updated: steps of its size would be lost in bfloat16's rounding.
    dtype = torch.float32 if job.facts.trains == "weights" else quick_dtype()
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": "sdpa"}
    # A plain one that several processes train is spread by FSDP.
    if torch.cuda.is_available() and (job.processes == 1 or job.facts.quantised):
        options["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))}
    if job.facts.quantised:
        options["quantization_config"] = four_bits(sharded=job.processes > 1)
    model = AutoModelForCausalLM.from_pretrained(job.base, **options)
    model.config.use_cache = False
    if job.facts.quantised:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
    return _continued(model, job) if job.parent_folder else model


def quick_dtype() -> Any:
    """bfloat16, but float32 on a CPU that only emulates it."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() or multiplies_bfloat16() else torch.float32


def four_bits(*, sharded: bool = False) -> Any:
    """How `qlora` loads the base: NF4 with quantised constants, multiplied in bfloat16. Raises TrainError."""
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise TrainError("method qlora needs bitsandbytes: run make setup, or train with --method lora")
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=quick_dtype(),
        # FSDP shards tensors of one type only.
        bnb_4bit_quant_storage=torch.bfloat16 if sharded else torch.uint8,
    )


def lora_config(job: Job) -> "LoraConfig | None":
    """PEFT's config for a new adapter; None where all weights are trained or an adapter is there already."""
    if job.facts.trains == "weights" or job.parent_folder:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=job.rank,
        lora_alpha=job.alpha,
        target_modules=targets(job),
        lora_dropout=job.dropout,
        use_rslora=job.method == "rslora",
        use_dora=job.method == "dora",
        bias="none",
        task_type="CAUSAL_LM",
    )


def targets(job: Job) -> str | list[str]:
    """What `target_modules` is for the job's base. Raises TrainError where it has no layers of such names."""
    if job.targets == "all-linear":
        return "all-linear"
    return sorted(target_names(job, linear_layers(empty_model(Path(job.base))[0])) or ())


def _continued(model: Any, job: Job) -> Any:
    from peft import PeftModel

    assert job.parent_folder is not None
    if not Path(job.parent_folder).is_dir():
        raise TrainError(
            f"adapter {job.parent}, which {job.method} goes on from, is gone: train or activate another one"
        )
    return PeftModel.from_pretrained(model, job.parent_folder, is_trainable=True)
