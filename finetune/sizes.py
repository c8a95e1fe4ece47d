"""How large a base model is, and how much of it a job trains: counted on its shapes, without its weights."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.errors import TrainError
from finetune.job import Job

_FAST_MODELS = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM")
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "out_proj", "query_key_value", "dense"}
_MLP = {"gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2", "dense_h_to_4h", "dense_4h_to_h"}


class ModelSizes(BaseModel):
    """Counts of parameters: all, those of the decoder's linear layers, those that are trained; and sizes of layers."""

    model_config = ConfigDict(frozen=True)

    parameters: int
    linear: int
    trainable: int
    layers: int
    hidden: int
    inner: int
    vocabulary: int
    fast_layers: bool


def model_sizes(base: Path, job: Job) -> ModelSizes:
    """Sizes of the model in folder `base` under a job. Raises TrainError for a folder that holds none."""
    model, config = empty_model(base)
    shapes = linear_layers(model)
    wanted = target_names(job, shapes)
    adapted = [shape for name, shape in shapes.items() if wanted is None or name.rpartition(".")[2] in wanted]
    total = sum(p.numel() for p in model.parameters())
    trainable = total
    if job.facts.trains == "adapter":
        trainable = sum(job.rank * (i + o) + (o if job.method == "dora" else 0) for i, o in adapted)
    text = config.get_text_config()
    return ModelSizes(
        parameters=total,
        linear=sum(i * o for i, o in shapes.values()),
        trainable=trainable,
        layers=int(text.num_hidden_layers),
        hidden=int(text.hidden_size),
        inner=int(getattr(text, "intermediate_size", None) or 4 * text.hidden_size),
        vocabulary=int(text.vocab_size),
        fast_layers=type(model).__name__ in _FAST_MODELS,
    )


def empty_model(base: Path) -> tuple[Any, Any]:
    """The model of folder `base` without memory for its weights, and its config. Raises TrainError."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(base)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config), config
    except (OSError, ValueError) as error:
        raise TrainError(f"{base}/config.json cannot be read: {error}") from error


def linear_layers(model: Any) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of every linear layer but the output embedding, by name: what PEFT calls all-linear."""
    import torch

    head = model.get_output_embeddings()
    return {
        name: (module.in_features, module.out_features)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }


def target_names(job: Job, layers: Any) -> set[str] | None:
    """Last parts of the names of the layers that get LoRA matrices; None: all. Raises TrainError without any."""
    if job.targets == "all-linear":
        return None
    names = {name.rpartition(".")[2] for name in layers}
    found = names & (_ATTENTION if job.targets == "attention" else _MLP)
    if not found:
        raise TrainError(f"{job.base_name} has no layers that Graft knows as {job.targets}: use targets all-linear")
    return found
