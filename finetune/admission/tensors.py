"""The tensors of a stranger's adapter against the base model's own modules: names, shapes, pairs, values.

The base is built from its config without memory for weights; nothing of the adapter is run.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import AdapterError
from finetune.adapter_files import WEIGHTS
from finetune.admission.config import AdmittedConfig

Shapes = Mapping[str, tuple[int, int]]
"""Linear modules of a base model by name: inputs and outputs."""

MOST_BYTES = 8 << 30
MOST_TENSORS = 200_000
_NAME = re.compile(r"base_model\.model\.(?P<module>[A-Za-z0-9_.]+)\.lora_(?P<side>[AB])\.weight")
_OTHER_KINDS = {
    "lora_magnitude_vector": "it belongs to a DoRA adapter, which vLLM does not serve",
    "lora_embedding_": "it trains embeddings, which vLLM does not serve",
    ".lora_B.bias": "it is a bias, which vLLM does not serve",
    ".lora_A.bias": "it is a bias, which vLLM does not serve",
    "modules_to_save": "it replaces a whole module, which vLLM does not serve",
}
_DTYPES = ("F32", "F16", "BF16")


def base_shapes(folder: Path) -> Shapes:
    """Names and shapes of the linear modules of the base model in `folder`, from its config. Raises AdapterError."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(folder)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except (OSError, ValueError) as error:
        raise AdapterError(f"{folder}/config.json cannot be read: {error}") from error
    found: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if weight is None or weight.ndim != 2 or isinstance(module, torch.nn.Embedding):
            continue
        inputs, outputs = reversed(weight.shape) if isinstance(module, torch.nn.Linear) else weight.shape
        found[name] = (int(inputs), int(outputs))
    head = model.get_output_embeddings()
    return {name: shape for name, shape in found.items() if model.get_submodule(name) is not head}


def check_tensors(folder: Path, config: AdmittedConfig, shapes: Shapes) -> list[str]:
    """Judge the weights of `folder`; returns the modules that they target, sorted. Raises AdapterError.

    Tensors are read one at a time, so that memory holds one of them.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    _check_file(path, folder)
    try:
        with safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
            _refuse(0 < len(names) <= MOST_TENSORS, f"it holds {len(names)} tensors")
            sides: dict[str, set[str]] = {}
            for name in sorted(names):
                module, side = _judge(name, file, config, shapes)
                sides.setdefault(module, set()).add(side)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise AdapterError(f"{path.name} cannot be read as safetensors: {error}") from error
    for module, found in sides.items():
        missing = {"A", "B"} - found
        _refuse(not missing, f"module {module} has no lora_{''.join(missing)}: the file is not whole")
    _check_complete(set(sides), config, shapes)
    return sorted(sides)


def short_targets(modules: list[str], shapes: Shapes) -> list[str]:
    """Module names as people write them (`q_proj`) where those mean exactly `modules`, else the full names."""
    last = sorted({module.rsplit(".", 1)[-1] for module in modules})
    meant = {name for name in shapes if name.rsplit(".", 1)[-1] in last}
    return last if meant == set(modules) else modules


def _check_file(path: Path, folder: Path) -> None:
    if not path.is_file():
        pickles = sorted(p.name for p in folder.glob("adapter_model.*") if p.suffix in (".bin", ".pt", ".pth", ".ckpt"))
        if pickles:
            raise AdapterError(
                f"{pickles[0]} is a pickle, which can run code when it is read: convert it to safetensors where it was "
                "trained (save_pretrained does)"
            )
        raise AdapterError(f"{path.name} is missing: this is no PEFT adapter with safetensors")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise AdapterError(f"{path.name} has {size >> 20} MiB; no adapter of a served rank is over {MOST_BYTES >> 20}")


def _judge(name: str, file: Any, config: AdmittedConfig, shapes: Shapes) -> tuple[str, str]:
    for sign, reason in _OTHER_KINDS.items():
        _refuse(sign not in name, f"tensor '{name}': {reason}")
    match = _NAME.fullmatch(name)
    _refuse(match is not None, f"tensor '{name}' is no LoRA matrix of a linear layer")
    assert match is not None
    module, side = match["module"], match["side"]
    if module not in shapes:
        raise AdapterError(f"{WEIGHTS}: the base model has no linear layer '{module}': it was made for another base")
    part = file.get_slice(name)
    shape, dtype = tuple(part.get_shape()), part.get_dtype()
    _refuse(dtype in _DTYPES, f"tensor '{name}' is {dtype}; {', '.join(_DTYPES)} are served")
    inputs, outputs = shapes[module]
    rank = config.rank_of(module)
    wanted = (rank, inputs) if side == "A" else (outputs, rank)
    _refuse(
        shape == wanted,
        f"tensor '{name}' has shape {list(shape)}, and {list(wanted)} fits base and rank: it was made for another base",
    )
    tensor = file.get_tensor(name)
    _refuse(bool(tensor.isfinite().all()), f"tensor '{name}' holds infinite or undefined values")
    return module, side


def _check_complete(found: set[str], config: AdmittedConfig, shapes: Shapes) -> None:
    """Every module that the config targets has its tensors, and no other has. A pattern is not run, so not checked."""
    targets = list(shapes) if config.fields["target_modules"] == "all-linear" else config.target_modules
    if targets is None:
        return
    for target in targets:
        meant = {name for name in shapes if name == target or name.endswith(f".{target}")}
        _refuse(bool(meant), f"target module '{target}' is not a linear layer of the base model")
    wanted = {
        name
        for name in shapes
        if any(name == target or name.endswith(f".{target}") for target in targets) and _in_layers(name, config.layers)
    }
    extra = sorted(found - wanted)
    _refuse(not extra, f"it holds tensors for '{(extra or [''])[0]}', which target_modules does not name")
    if not config.fields["exclude_modules"]:
        missing = sorted(wanted - found)
        _refuse(not missing, f"tensors for '{(missing or [''])[0]}' are missing: the file is not whole")


def _in_layers(name: str, layers: list[int] | None) -> bool:
    if layers is None:
        return True
    numbers = re.findall(r"\.(\d+)\.", name)
    return bool(numbers) and int(numbers[0]) in layers


def _refuse(fine: bool, reason: str) -> None:
    if not fine:
        raise AdapterError(f"{WEIGHTS}: {reason}")
