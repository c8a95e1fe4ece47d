"""LoRA adapters with random weights for a Llama folder: written in a second, without loading the model."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def write_adapter(
    model: Path, folder: Path, *, seed: int, rank: int = 16, modules: Sequence[str] = ALL_LINEAR, spread: float = 0.04
) -> Path:
    """A PEFT folder. The larger `spread` (of B's weights), the further its answers are from the base's."""
    torch.manual_seed(seed)
    config = json.loads((model / "config.json").read_text())
    shapes = _shapes(config)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for module in modules:
            part = "mlp" if module in ("gate_proj", "up_proj", "down_proj") else "self_attn"
            outputs, inputs = shapes[module]
            name = f"base_model.model.model.layers.{layer}.{part}.{module}"
            limit = 1 / math.sqrt(inputs)
            tensors[f"{name}.lora_A.weight"] = torch.empty(rank, inputs).uniform_(-limit, limit)
            tensors[f"{name}.lora_B.weight"] = torch.randn(outputs, rank) * spread
    folder.mkdir(parents=True, exist_ok=True)
    LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=list(modules),
        task_type="CAUSAL_LM",
        base_model_name_or_path=str(model),
    ).save_pretrained(str(folder))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


def _shapes(config: dict) -> dict[str, tuple[int, int]]:
    """Outputs and inputs of each module."""
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    size = config.get("head_dim") or hidden // heads
    keys = config.get("num_key_value_heads", heads) * size
    return {
        "q_proj": (heads * size, hidden),
        "k_proj": (keys, hidden),
        "v_proj": (keys, hidden),
        "o_proj": (hidden, heads * size),
        "gate_proj": (inner, hidden),
        "up_proj": (inner, hidden),
        "down_proj": (hidden, inner),
    }
