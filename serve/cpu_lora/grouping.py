"""Which rows of a batch belong to which adapter slot. Knows nothing of layers or weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RowGroup:
    """The rows of one adapter: a slice when they are contiguous, else an int64 index tensor. `rows=None`: all."""

    slot: int
    rows: slice | torch.Tensor | None

    def take(self, x: torch.Tensor) -> torch.Tensor:
        """The group's rows of `x` (a view, or a copy when the rows are scattered)."""
        return x if self.rows is None else x[self.rows]


def group_rows(adapter_ids: Sequence[int], slot_of: Mapping[int, int]) -> tuple[RowGroup, ...]:
    """Groups rows by adapter.

    Args:
        adapter_ids: one id per row; 0 and below means the base model, whose rows are in no group.
        slot_of: adapter id to the index of its weights in the stacked tensors.

    Returns:
        One group per adapter, in order of first appearance; empty when all rows belong to the base model.
    """
    runs: dict[int, list[tuple[int, int]]] = {}
    start = 0
    for end in range(1, len(adapter_ids) + 1):
        if end == len(adapter_ids) or adapter_ids[end] != adapter_ids[start]:
            if adapter_ids[start] > 0:
                runs.setdefault(adapter_ids[start], []).append((start, end))
            start = end
    return tuple(RowGroup(slot_of[adapter], _rows(spans, len(adapter_ids))) for adapter, spans in runs.items())


def _rows(spans: list[tuple[int, int]], total: int) -> slice | torch.Tensor | None:
    if spans == [(0, total)]:
        return None
    if len(spans) == 1:
        return slice(*spans[0])
    import torch

    return torch.cat([torch.arange(start, end) for start, end in spans])
