"""A tiny base model's shapes, and a sound adapter for it that tests then spoil."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

SHAPES = {
    f"model.layers.{layer}.{part}": shape
    for layer in range(2)
    for part, shape in {
        "self_attn.q_proj": (8, 8),
        "self_attn.v_proj": (8, 4),
        "mlp.down_proj": (16, 8),
    }.items()
}
CONFIG: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "base_model_name_or_path": "tiny",
    "r": 2,
    "lora_alpha": 4,
    "target_modules": ["q_proj", "v_proj"],
    # As PEFT writes it: much that is off.
    "auto_mapping": None,
    "bias": "none",
    "corda_config": None,
    "fan_in_fan_out": False,
    "inference_mode": True,
    "init_lora_weights": True,
    "layers_to_transform": None,
    "loftq_config": {},
    "lora_bias": False,
    "lora_dropout": 0.0,
    "megatron_core": "megatron.core",
    "modules_to_save": None,
    "peft_version": "0.21.2",
    "qalora_group_size": 16,
    "rank_pattern": {},
    "alpha_pattern": {},
    "use_dora": False,
    "use_rslora": False,
}


def key(module: str, side: str) -> str:
    """The name that PEFT saves a matrix under."""
    return f"base_model.model.{module}.lora_{side}.weight"


def tensors(parts: tuple[str, ...] = ("q_proj", "v_proj"), rank: int = 2) -> dict[str, torch.Tensor]:
    """LoRA matrices for every module that ends in one of `parts`."""
    found = {}
    for module, (inputs, outputs) in SHAPES.items():
        if module.endswith(parts):
            found[key(module, "A")] = torch.ones(rank, inputs)
            found[key(module, "B")] = torch.ones(outputs, rank)
    return found


def write_adapter(folder: Path, config: Any = None, weights: dict[str, torch.Tensor] | None = None) -> Path:
    """An adapter folder; without arguments a sound one."""
    folder.mkdir(parents=True, exist_ok=True)
    text = config if isinstance(config, str) else json.dumps(CONFIG if config is None else config)
    (folder / "adapter_config.json").write_text(text)
    save_file(tensors() if weights is None else weights, str(folder / "adapter_model.safetensors"))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound adapter folder."""
    return write_adapter(tmp_path / "adapter")
