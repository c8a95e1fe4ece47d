"""Causal attention of packed sequences, forward and backward, as matrix products over blocks of queries.

PyTorch's own attention on CPUs takes three times as long: in bfloat16 it is bound by its softmax. Queries are kept
as [key heads, T * group, d], see `lora_math.py`. Knows no layer, adapter or thread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType

import torch
from torch import Tensor

from finetune.fast_arena import Arena
from finetune.fast_packs import STEP, Segment

_BLOCK_ROWS = 528  # query rows per product: what lies above the diagonal of a block is computed in vain


@dataclass
class Attended:
    """What a segment's attention leaves for the way back: `weights` None where they are to be computed again."""

    keys: Tensor
    values: Tensor
    weights: Tensor | None
    inverse: Tensor


class Attention:
    """Attention with one scale, head layout and arena."""

    def __init__(self, group: int, scale: float, kernels: ModuleType, arena: Arena, exact: torch.dtype) -> None:
        self.group, self.scale, self.kernels, self.arena, self.exact = group, scale, kernels, arena, exact

    def forward(
        self, segment: Segment, q: Tensor, k: Tensor, v: Tensor, o: Tensor, inverse: Tensor, keep: bool
    ) -> Attended:
        """Writes the segment's rows of `o` [key heads, T * group, d], still to be scaled by `inverse`."""
        own = self._rows(segment)
        keys, values = self._reach(segment, k), self._reach(segment, v)
        part = self.arena.take((q.shape[0], own.stop - own.start), self.exact)
        mark = self.arena.mark()
        weights = self._weights(segment, q[:, own], keys, part)
        for rows, _, seen in self._blocks(segment):
            for head in range(q.shape[0]):
                torch.mm(weights[head, rows, :seen], values[head, :seen], out=o[head, own][rows])
        inverse[:, own] = part
        if not keep:
            self.arena.release(mark)
        return Attended(keys, values, weights if keep else None, part)

    def backward(
        self,
        segments: Sequence[Segment],
        attended: Sequence[Attended],
        q: Tensor,
        do: Tensor,
        dq: Tensor,
        dk: Tensor,
        dv: Tensor,
    ) -> None:
        """Writes dq, dk and dv of a whole pack; `do` is the gradient of `o` before its scaling."""
        context = max(segment.context for segment in segments)
        shared = torch.zeros(2, dk.shape[0], context, dk.shape[2], dtype=self.exact)
        for segment, kept in zip(segments, attended, strict=True):
            mark = self.arena.mark()
            own, tokens = self._rows(segment), slice(segment.start, segment.stop)
            self._segment(segment, kept, q[:, own], do[:, own], dq[:, own], dk[:, tokens], dv[:, tokens], shared)
            self.arena.release(mark)
        if context:
            dk[:, :context] += shared[0]
            dv[:, :context] += shared[1]

    def _rows(self, segment: Segment) -> slice:
        return slice(segment.start * self.group, segment.stop * self.group)

    def _blocks(self, segment: Segment) -> Iterator[tuple[slice, slice, int]]:
        """Equal blocks of a segment: its query rows, its tokens, and how many keys its last row sees."""
        length = segment.stop - segment.start
        count = max(1, round(length * self.group / _BLOCK_ROWS))
        # Cut where few shapes come of it (see fast_packs).
        cuts = sorted({*(round(i * length / count / STEP) * STEP for i in range(count)), length})
        for a, b in pairwise(cuts):
            yield slice(a * self.group, b * self.group), slice(a, b), segment.context + b

    def _reach(self, segment: Segment, x: Tensor) -> Tensor:
        """Keys or values that a segment's tokens may see: the context's, then its own."""
        own = x[:, segment.start : segment.stop]
        if not segment.context:
            return own
        joined = self.arena.take((x.shape[0], segment.context + own.shape[1], x.shape[2]), x.dtype)
        return torch.cat((x[:, : segment.context], own), dim=1, out=joined)

    def _weights(self, segment: Segment, q: Tensor, keys: Tensor, inverse: Tensor) -> Tensor:
        """Attention weights [key heads, rows, keys] before their division, whose factor goes to `inverse`."""
        # The width is a multiple of 64 because fast_kernels works in steps of 64 columns.
        weights = self.arena.take((*q.shape[:2], -(-keys.shape[1] // 64) * 64), q.dtype)
        for rows, _, seen in self._blocks(segment):
            torch.bmm(q[:, rows], keys[:, :seen].transpose(1, 2), out=weights[:, rows, :seen])
            self.kernels.exp_rows(weights, inverse, rows, seen, self.group, segment.context, self.scale)
        return weights

    def _segment(
        self,
        segment: Segment,
        kept: Attended,
        q: Tensor,
        do: Tensor,
        dq: Tensor,
        dk: Tensor,
        dv: Tensor,
        shared: Tensor,
    ) -> None:
        context, group, heads = segment.context, self.group, range(q.shape[0])
        weights = kept.weights
        if weights is None:
            again = self.arena.take(tuple(kept.inverse.shape), self.exact)
            weights = self._weights(segment, q, kept.keys, again)
        dscores = self.arena.take(tuple(weights.shape), q.dtype)
        for rows, _, seen in self._blocks(segment):
            torch.bmm(do[:, rows], kept.values[:, :seen].transpose(1, 2), out=dscores[:, rows, :seen])
            self.kernels.exp_rows_backward(dscores, weights, kept.inverse, rows, seen, group, context, self.scale)
            for h in heads:
                torch.mm(dscores[h, rows, :seen], kept.keys[h, :seen], out=dq[h, rows])
        for rows, tokens, _ in self._blocks(segment):
            # Keys are seen by the rows from their own block on.
            columns, later = slice(context + tokens.start, context + tokens.stop), slice(rows.start, None)
            for h in heads:
                torch.mm(dscores[h, later, columns].t(), q[h, later], out=dk[h, tokens])
                torch.mm(weights[h, later, columns].t(), do[h, later], out=dv[h, tokens])
        if context:
            for h in heads:
                shared[0, h, :context] += torch.mm(dscores[h, :, :context].t(), q[h])
                shared[1, h, :context] += torch.mm(weights[h, :, :context].t(), do[h])
