"""`adapter_config.json` of a stranger: an allowlist of fields, and a config of our own made from them.

What vLLM would refuse or read otherwise than PEFT is refused here, with the reason. Knows no tensor.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import AdapterError
from finetune.adapter_files import CONFIG
from finetune.admission.values import FIELDS, is_off

MOST_BYTES = 1 << 20
# Inits that only set where training began; the others change the base model's weights as well.
_HARMLESS_INITS = ("gaussian", "orthogonal", "eva")

# Fields that must be off, and what they would mean.
_MUST_BE_OFF = {
    "use_dora": "it is a DoRA adapter, which vLLM does not serve: merge it into its base with PEFT and use the result",
    "lora_bias": "it has biases in its LoRA layers, which vLLM does not serve",
    "modules_to_save": "it replaces whole modules of the base model (modules_to_save), which vLLM does not serve",
    "trainable_token_indices": "it trains token embeddings, which vLLM does not serve",
    "alora_invocation_tokens": "it is an activated LoRA (aLoRA), which vLLM does not serve",
    "layer_replication": "it replicates layers, which vLLM does not serve",
    "use_qalora": "it is a QALoRA adapter, which vLLM does not serve",
    "use_bdlora": "it is a block-diagonal LoRA, which vLLM does not serve",
    "target_parameters": "it targets bare parameters, which Graft does not check",
    "megatron_config": "it needs Megatron",
    "auto_mapping": "it names Python classes to import (auto_mapping): an adapter is data",
    "loftq_config": "its LoftQ init changes the base model's weights: convert it to a plain LoRA with PEFT",
    "corda_config": "its CorDA init changes the base model's weights: convert it to a plain LoRA with PEFT",
    "arrow_config": "it is an Arrow router, which vLLM does not serve",
    "kasa_config": "it is a KaSA adapter, which vLLM does not serve",
    "velora_config": "it is a VeLoRA adapter, which Graft does not know",
    "monteclora_config": "it is a MonteCLoRA adapter, which Graft does not know",
    "ensure_weight_tying": "it ties weights, which vLLM does not serve",
    "runtime_config": "it carries settings for a running process",
}
# Fields without meaning for a plain LoRA that is only served.
_IGNORED = frozenset(
    {"megatron_core", "qalora_group_size", "eva_config", "lora_ga_config", "peft_version", "revision", "inference_mode"}
)


class AdmittedConfig(NamedTuple):
    """What was read: rank and scaling per module pattern, what is targeted, and which base it names.

    `target_modules` None: a pattern, which is not run; the tensors say what is targeted.
    """

    rank: int
    rank_pattern: dict[str, int]
    target_modules: list[str] | None
    layers: list[int] | None
    base: str | None
    fields: dict[str, Any]

    @property
    def largest_rank(self) -> int:
        """The largest rank of any module."""
        return max([self.rank, *self.rank_pattern.values()])

    def rank_of(self, module: str) -> int:
        """Rank of `module` by PEFT's rule: the first pattern that is a suffix at a dot."""
        for pattern, rank in self.rank_pattern.items():
            if module == pattern or module.endswith(f".{pattern}"):
                return rank
        return self.rank


def read_config(folder: Path, max_rank: int) -> AdmittedConfig:
    """Read and judge the config of `folder`. Raises AdapterError with the first reason against it."""
    raw = _parse(folder / CONFIG)
    _refuse(raw.get("peft_type") == "LORA", f"peft_type is {raw.get('peft_type')!r}; Graft serves LORA")
    _refuse(
        raw.get("task_type") in (None, "CAUSAL_LM"),
        f"task_type is {raw['task_type']!r}, not CAUSAL_LM" if raw.get("task_type") else "",
    )
    for key, reason in _MUST_BE_OFF.items():
        _refuse(is_off(raw.get(key)), reason)
    _refuse(
        raw.get("bias", "none") == "none", f"it trains biases (bias: {raw.get('bias')!r}), which vLLM does not serve"
    )
    init = raw.get("init_lora_weights", True)
    _refuse(
        isinstance(init, bool) or (isinstance(init, str) and init.lower() in _HARMLESS_INITS),
        f"init_lora_weights is {init!r}: such inits change the base model's weights; convert it to a plain LoRA "
        "with PEFT (path_initial_model_for_weight_conversion)",
    )
    known = {"peft_type", "task_type", "bias", "init_lora_weights", *_MUST_BE_OFF, *_IGNORED, *FIELDS}
    for key in raw.keys() - known:
        _refuse(is_off(raw[key]), f"field '{key}' is not one that Graft knows; it may change what the adapter does")
    fields: dict[str, Any] = {}
    for key, (default, is_right, what) in FIELDS.items():
        value = raw.get(key, default)
        _refuse(is_right(value), f"{key} is {_shown(value)}; it must be {what}")
        fields[key] = value
    config = AdmittedConfig(
        rank=fields["r"],
        rank_pattern=fields["rank_pattern"] or {},
        target_modules=_targets(fields["target_modules"]),
        layers=_layers(fields["layers_to_transform"]),
        base=fields["base_model_name_or_path"] or None,
        fields=fields,
    )
    _refuse(
        config.largest_rank <= max_rank,
        f"its rank {config.largest_rank} is over the largest that is served ({max_rank}): raise serve.max_lora_rank",
    )
    return config


def clean_config(config: AdmittedConfig, modules: list[str]) -> dict[str, Any]:
    """A plain LoRA config of our own: the admitted numbers, and the modules that the tensors really target."""
    kept = ("r", "lora_alpha", "lora_dropout", "use_rslora", "fan_in_fan_out", "rank_pattern", "alpha_pattern")
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        **{key: config.fields[key] for key in kept},
        "rank_pattern": config.fields["rank_pattern"] or {},
        "alpha_pattern": config.fields["alpha_pattern"] or {},
        "target_modules": modules,
        "bias": "none",
        "init_lora_weights": True,
        "inference_mode": True,
    }


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AdapterError(f"{path.name} has {path.stat().st_size} bytes; a config has a few thousand")
        raw = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except FileNotFoundError as error:
        raise AdapterError(f"{path.name} is missing: this is no PEFT adapter") from error
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError(f"{path.name} cannot be read as JSON: {error}") from error
    if not isinstance(raw, dict):
        raise AdapterError(f"{path.name} must hold an object")
    return raw


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse(fine: bool, reason: str) -> None:
    if not fine:
        raise AdapterError(f"{CONFIG}: {reason}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _targets(value: Any) -> list[str] | None:
    return list(value) if isinstance(value, list) else None


def _layers(value: Any) -> list[int] | None:
    return value if isinstance(value, list) or value is None else [value]
