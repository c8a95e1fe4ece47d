"""Two adapters side by side: which fields of manifest and config differ, and how far apart their weights are.

Weights are compared as what they add to the base, B·A times the scaling, so that two ranks can be compared. That
product is never formed: norms and distances follow from small matrices. Knows no store.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from core.errors import AdapterError
from core.files import read_json
from finetune.adapter_files import CONFIG, MANIFEST, WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

    Pair = tuple[Tensor, Tensor]

_SHOWN_MODULES = 10
_UNINTERESTING = frozenset({"name", "created"})


class FieldDifference(BaseModel):
    """One field whose values differ; None where an adapter has no such field."""

    field: str
    left: Any
    right: Any


class WeightDistance(BaseModel):
    """Frobenius norms of what each adapter adds, and of the difference; `cosine` 1: same direction, 0: unrelated.

    `module` None: all modules together. A module that one of them does not touch counts as zero there.
    """

    module: str | None
    left: float
    right: float
    distance: float
    cosine: float


class AdapterDiff(BaseModel):
    """What differs between two adapters; `modules` are those furthest apart."""

    left: str
    right: str
    fields: list[FieldDifference]
    total: WeightDistance
    modules: list[WeightDistance]


def diff_adapters(left: Path, right: Path) -> AdapterDiff:
    """Compare two published adapter folders. Raises AdapterError for one that cannot be read."""
    manifests = [read_json(folder / MANIFEST, AdapterError) for folder in (left, right)]
    configs = [read_json(folder / CONFIG, AdapterError) for folder in (left, right)]
    fields = [
        *_differences(manifests[0], manifests[1], ""),
        *_differences(configs[0], configs[1], "config."),
    ]
    weights = [_read_pairs(folder, config) for folder, config in zip((left, right), configs, strict=True)]
    modules = [
        _distance(name, weights[0].get(name), weights[1].get(name)) for name in sorted({*weights[0], *weights[1]})
    ]
    return AdapterDiff(
        left=manifests[0]["name"],
        right=manifests[1]["name"],
        fields=fields,
        total=_total(modules),
        modules=sorted(modules, key=lambda m: -m.distance)[:_SHOWN_MODULES],
    )


def _differences(left: Mapping[str, Any], right: Mapping[str, Any], prefix: str) -> Iterator[FieldDifference]:
    for key in dict.fromkeys([*left, *right]):
        a, b = left.get(key), right.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _differences(a, b, f"{prefix}{key}.")
        elif a != b and prefix + key not in _UNINTERESTING:
            yield FieldDifference(field=prefix + key, left=a, right=b)


def _read_pairs(folder: Path, config: Mapping[str, Any]) -> "dict[str, Pair]":
    """Scaled (B, A) by module, in float64."""
    import torch
    from safetensors.torch import load_file

    if not (folder / WEIGHTS).is_file():
        raise AdapterError(f"{folder} is a whole model: only adapters can be compared by their weights")
    tensors = load_file(str(folder / WEIGHTS))
    pairs: dict[str, Pair] = {}
    for name, a in tensors.items():
        module, lora_a, _ = name.partition(".lora_A.")
        if not lora_a:
            continue
        b = tensors.get(name.replace(".lora_A.", ".lora_B."))
        if b is None:
            raise AdapterError(f"{folder / WEIGHTS}: '{name}' has no lora_B beside it")
        module = module.removeprefix("base_model.model.")
        pairs[module] = (b.to(torch.float64) * _scaling(config, module, a.shape[0]), a.to(torch.float64))
    return pairs


def _scaling(config: Mapping[str, Any], module: str, rank: int) -> float:
    alpha = config.get("lora_alpha", rank)
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if module == pattern or module.endswith(f".{pattern}"):
            alpha = value
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _distance(module: str, left: "Pair | None", right: "Pair | None") -> WeightDistance:
    a = _inner(left, left) if left else 0.0
    b = _inner(right, right) if right else 0.0
    return _summarise(module, a, b, _inner(left, right) if left and right else 0.0)


def _inner(left: "Pair", right: "Pair") -> float:
    """Inner product of B·A and D·C as a trace of rank-sized matrices."""
    return float(((left[0].T @ right[0]) * (left[1] @ right[1].T)).sum())


def _total(modules: list[WeightDistance]) -> WeightDistance:
    a = sum(m.left**2 for m in modules)
    b = sum(m.right**2 for m in modules)
    return _summarise(None, a, b, sum(m.cosine * m.left * m.right for m in modules))


def _summarise(module: str | None, a: float, b: float, ab: float) -> WeightDistance:
    norm = math.sqrt(max(a, 0.0) * max(b, 0.0))
    return WeightDistance(
        module=module,
        left=math.sqrt(max(a, 0.0)),
        right=math.sqrt(max(b, 0.0)),
        distance=math.sqrt(max(a + b - 2 * ab, 0.0)),
        cosine=ab / norm if norm else 0.0,
    )


def diff_table(diff: AdapterDiff) -> str:
    """The comparison as text for a terminal."""
    rows = [("", diff.left, diff.right)]
    rows += [(item.field, _cell(item.left), _cell(item.right)) for item in diff.fields]
    wide = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c}".rstrip() for a, b, c in rows]
    lines.append("")
    lines.append("what they add to the base (norms)")
    for item in (diff.total, *diff.modules):
        name = item.module or "all modules"
        lines.append(
            f"  {name}: {item.left:.3g} and {item.right:.3g}, apart {item.distance:.3g}, cosine {item.cosine:.2f}"
        )
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
