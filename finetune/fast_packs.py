"""Rows of a batch grouped into packs and shared out among workers.

Rows that begin alike (the same passages, or the same persona, format and schema) share their beginning in a pack, where
it is computed once. A plan is good when the busiest worker has little to do. Knows no model and no thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

# Tokens of a pack: activations of SmolLM2-135M take about half a megabyte per token.
PACK_TOKENS = 2048
_SHORTEST_SHARED = 16
# A matrix product of a shape that is new has to be compiled first, which takes as long as several products: sequences
# are filled up to a multiple of this, packs to a multiple of the other, so that shapes come again.
STEP, PACK_STEP = 16, 64
_FILLER = 0
# A token costs one unit plus this much for every token it attends to.
_ATTENTION_COST = 1 / 2500
# Rows by their places in order.
Span = tuple[int, ...]


@dataclass(frozen=True)
class Segment:
    """Tokens start..stop of a pack that see each other causally, and the pack's first `context` tokens wholly."""

    start: int
    stop: int
    context: int


@dataclass(frozen=True)
class Pack:
    """Tokens [T] with their positions [T]; `rows` [M] predict `labels` [M] (long), which weigh `weights` [M]."""

    tokens: Tensor
    positions: Tensor
    segments: tuple[Segment, ...]
    rows: Tensor
    labels: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Row:
    """Token ids of one sequence without padding, its labels, -100 where there is none, and how much each counts.

    Without `weights` all labels count the same, 1.
    """

    tokens: list[int]
    labels: list[int]
    weights: list[float] | None = None

    @property
    def first_label(self) -> int:
        """Position of the first label that is trained on; the length where there is none."""
        return next((i for i, label in enumerate(self.labels) if i and label != -100), len(self.labels))


def read_rows(
    input_ids: Tensor, attention_mask: Tensor | None, labels: Tensor, weights: Tensor | None = None
) -> list[Row]:
    """Undo the padding of a batch [B, L] that is padded at the right; rows without a label are left out."""
    rows = []
    counts = [None] * len(input_ids) if weights is None else weights.tolist()
    lengths = [input_ids.shape[1]] * len(input_ids) if attention_mask is None else attention_mask.sum(1).tolist()
    for ids, targets, count, length in zip(input_ids.tolist(), labels.tolist(), counts, lengths, strict=True):
        row = Row(ids[:length], targets[:length], count)
        if row.first_label < length:
            rows.append(row)
    return rows


def plan(rows: Sequence[Row], workers: int, pack_tokens: int = PACK_TOKENS) -> list[list[Pack]]:
    """Packs for each worker, at most `workers` lists; rows longer than `pack_tokens` are packs of their own."""
    ordered = _Ordered(rows)
    families, loose = _families(ordered)
    best: list[list[Span]] = []
    best_cost = float("inf")
    for parts in range(1, workers + 1):
        # A family that is cut computes its beginning once more, which pays where a worker has nothing else to do.
        whole = [span for family in families for span in _cut(ordered, family, parts, pack_tokens)]
        for count in range(min(1, len(loose)), len(loose) + 1):
            spans = whole + [span for span in _cut(ordered, loose, count, pack_tokens) if span]
            shares = _share_out(spans, [ordered.cost(span) for span in spans], workers)
            cost = max(sum(map(ordered.cost, share)) for share in shares)
            if cost < best_cost:
                best, best_cost = shares, cost
    return [[make_pack([ordered.rows[i] for i in span]) for span in share] for share in best if share]


def make_pack(rows: Sequence[Row]) -> Pack:
    """One pack of rows, with the beginning they share first.

    Rows are filled up at their ends, where nothing looks back at what is added, and nothing is learnt from it.
    """
    shared = _shared(rows)
    tokens, positions = rows[0].tokens[:shared], list(range(shared))
    segments = [Segment(0, shared, 0)] if shared else []
    indices: list[int] = []
    labels: list[int] = []
    weights: list[float] = []
    for row in rows:
        start = len(tokens)
        tokens += row.tokens[shared:]
        tokens += [_FILLER] * (-len(tokens) % (PACK_STEP if row is rows[-1] else STEP))
        positions += range(shared, shared + len(tokens) - start)
        segments.append(Segment(start, len(tokens), shared))
        for i in range(max(shared, 1), len(row.tokens)):
            if row.labels[i] != -100:
                indices.append(start + i - shared - 1)
                labels.append(row.labels[i])
                weights.append(1.0 if row.weights is None else row.weights[i])
    return Pack(
        torch.tensor(tokens),
        torch.tensor(positions),
        tuple(segments),
        torch.tensor(indices),
        torch.tensor(labels),
        torch.tensor(weights),
    )


def _shared(rows: Sequence[Row]) -> int:
    """How many tokens all rows begin with, short of the first label's predecessor; 0 where it does not pay."""
    if len(rows) < 2:
        return 0
    limit = min(row.first_label for row in rows) - 1
    for row in rows[1:]:
        limit = min(limit, _alike(rows[0].tokens, row.tokens))
    return _worth_sharing(limit)


def _worth_sharing(limit: int) -> int:
    """How many of `limit` tokens that could be shared are."""
    return limit // STEP * STEP if limit >= _SHORTEST_SHARED else 0


def _alike(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    pairs = zip(first, second, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


class _Ordered:
    """Rows sorted by their tokens, with how much each shares with the next; what a span of them costs."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: row.tokens)
        self._limits = [row.first_label - 1 for row in self.rows]
        self.common = [_alike(a.tokens, b.tokens) for a, b in pairwise(self.rows)]
        self._costs: dict[Span, float] = {}

    def shared(self, span: Span) -> int:
        """How many tokens the rows of a span begin with alike, as `make_pack` counts them."""
        if len(span) < 2:
            return 0
        first, last = span[0], span[-1]
        # Sorted: no two rows of a stretch share less than some two neighbours in it.
        limit = min(*self.common[first:last], *(self._limits[i] for i in span))
        return _worth_sharing(limit)

    def cost(self, span: Span) -> float:
        """What computing a span as one pack takes, in tokens."""
        if span not in self._costs:
            shared = self.shared(span)
            cost = shared * (1 + shared / 2 * _ATTENTION_COST)
            for i in span:
                own = -(-(len(self.rows[i].tokens) - shared) // STEP) * STEP
                cost += own * (1 + (shared + own / 2) * _ATTENTION_COST)
            self._costs[span] = cost
        return self._costs[span]


def _families(ordered: _Ordered) -> tuple[list[Span], Span]:
    """Neighbours most of whose tokens are the same (the same passages), and the rows that have none such."""
    spans: list[list[int]] = [[0]]
    for i, common in enumerate(ordered.common):
        length = min(len(ordered.rows[i].tokens), len(ordered.rows[i + 1].tokens))
        if common >= max(_SHORTEST_SHARED, length / 2):
            spans[-1].append(i + 1)
        else:
            spans.append([i + 1])
    families = [tuple(span) for span in spans if len(span) > 1]
    return families, tuple(span[0] for span in spans if len(span) == 1)


def _cut(ordered: _Ordered, span: Span, count: int, pack_tokens: int) -> list[Span]:
    """Cut a span into about `count` spans of equal size, none above `pack_tokens` unless it is one row."""
    if not span:
        return []
    shared = ordered.shared(span)
    sizes = [len(ordered.rows[i].tokens) - shared for i in span]
    aim = min(pack_tokens - shared, sum(sizes) / max(count, 1))
    parts: list[list[int]] = []
    total = filled = 0
    for i, size in zip(span, sizes, strict=True):
        # A row belongs to the part in whose stretch its middle falls.
        if not parts or total + size / 2 > aim * len(parts) or filled + size > pack_tokens - shared:
            parts.append([])
            filled = 0
        parts[-1].append(i)
        total, filled = total + size, filled + size
    return [tuple(part) for part in parts]


def _share_out(spans: Sequence[Span], costs: Sequence[float], workers: int) -> list[list[Span]]:
    """Dearest first, each to the worker with the least to do."""
    shares: list[list[Span]] = [[] for _ in range(workers)]
    loads = [0.0] * workers
    for cost, span in sorted(zip(costs, spans, strict=True), reverse=True):
        idlest = loads.index(min(loads))
        shares[idlest].append(span)
        loads[idlest] += cost
    return shares
