"""Rows of a batch grouped into packs and shared out among workers.

Rows that begin alike (the same persona, format and schema) share their beginning in a pack, where it is computed
once. A plan is good when the busiest worker has little to do. Knows no model and no thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Tokens of a pack: activations of SmolLM2-135M take about half a megabyte per token.
PACK_TOKENS = 2048
_SHORTEST_SHARED = 16
# A token costs one unit plus this much for every token it attends to.
_ATTENTION_COST = 1 / 2500


@dataclass(frozen=True)
class Segment:
    """Tokens start..stop of a pack that see each other causally, and the pack's first `context` tokens wholly."""

    start: int
    stop: int
    context: int


@dataclass(frozen=True)
class Pack:
    """Tokens [T] with their positions [T]; `rows` [M] predict `labels` [M] (long tensors)."""

    tokens: Tensor
    positions: Tensor
    segments: tuple[Segment, ...]
    rows: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Row:
    """Token ids of one sequence without padding, and its labels, -100 where there is none."""

    tokens: list[int]
    labels: list[int]

    @property
    def first_label(self) -> int:
        """Position of the first label that is trained on; the length where there is none."""
        return next((i for i, label in enumerate(self.labels) if i and label != -100), len(self.labels))


def read_rows(input_ids: Tensor, attention_mask: Tensor | None, labels: Tensor) -> list[Row]:
    """Undo the padding of a batch [B, L] that is padded at the right; rows without a label are left out."""
    rows = []
    lengths = [input_ids.shape[1]] * len(input_ids) if attention_mask is None else attention_mask.sum(1).tolist()
    for ids, targets, length in zip(input_ids.tolist(), labels.tolist(), lengths, strict=True):
        row = Row(ids[:length], targets[:length])
        if row.first_label < length:
            rows.append(row)
    return rows


def plan(rows: Sequence[Row], workers: int, pack_tokens: int = PACK_TOKENS) -> list[list[Pack]]:
    """Packs for each worker, at most `workers` lists; rows longer than `pack_tokens` are packs of their own."""
    ordered = sorted(rows, key=lambda row: row.tokens)
    best: list[list[list[Row]]] = []
    best_cost = float("inf")
    for count in range(min(workers, len(rows)), len(rows) + 1):
        groups = _cut(ordered, count, pack_tokens)
        shares = _share_out(groups, workers)
        cost = max(sum(_cost(group) for group in share) for share in shares)
        if cost < best_cost:
            best, best_cost = shares, cost
    return [[make_pack(group) for group in share] for share in best if share]


def make_pack(rows: Sequence[Row]) -> Pack:
    """One pack of rows, with the beginning they share first."""
    shared = _shared(rows)
    tokens, positions = rows[0].tokens[:shared], list(range(shared))
    segments = [Segment(0, shared, 0)] if shared else []
    indices: list[int] = []
    labels: list[int] = []
    for row in rows:
        start = len(tokens)
        tokens += row.tokens[shared:]
        positions += range(shared, len(row.tokens))
        segments.append(Segment(start, len(tokens), shared))
        for i in range(max(shared, 1), len(row.tokens)):
            if row.labels[i] != -100:
                indices.append(start + i - shared - 1)
                labels.append(row.labels[i])
    return Pack(
        torch.tensor(tokens), torch.tensor(positions), tuple(segments), torch.tensor(indices), torch.tensor(labels)
    )


def _shared(rows: Sequence[Row]) -> int:
    """How many tokens all rows begin with, short of the first label's predecessor; 0 where it does not pay."""
    if len(rows) < 2:
        return 0
    limit = min(row.first_label for row in rows) - 1
    first = rows[0].tokens
    for row in rows[1:]:
        limit = min(limit, len(row.tokens))
        limit = next((i for i in range(limit) if row.tokens[i] != first[i]), limit)
    return limit if limit >= _SHORTEST_SHARED else 0


def _cost(rows: Sequence[Row]) -> float:
    shared = _shared(rows)
    cost = shared * (1 + shared / 2 * _ATTENTION_COST)
    for row in rows:
        own = len(row.tokens) - shared
        cost += own * (1 + (shared + own / 2) * _ATTENTION_COST)
    return cost


def _cut(rows: Sequence[Row], count: int, pack_tokens: int) -> list[list[Row]]:
    """Cut neighbours into about `count` groups of equal length, none above `pack_tokens` unless it is one row."""
    aim = min(pack_tokens, sum(len(row.tokens) for row in rows) / count)
    groups: list[list[Row]] = []
    total = filled = 0
    for row in rows:
        size = len(row.tokens)
        # A row belongs to the group in whose stretch its middle falls.
        if not groups or total + size / 2 > aim * len(groups) or filled + size > pack_tokens:
            groups.append([])
            filled = 0
        groups[-1].append(row)
        total, filled = total + size, filled + size
    return groups


def _share_out(groups: Sequence[list[Row]], workers: int) -> list[list[list[Row]]]:
    """Longest first, each to the worker with the least to do."""
    shares: list[list[list[Row]]] = [[] for _ in range(workers)]
    loads = [0.0] * workers
    for group in sorted(groups, key=_cost, reverse=True):
        idlest = loads.index(min(loads))
        shares[idlest].append(group)
        loads[idlest] += _cost(group)
    return shares
