"""One adapter's weights for one (possibly packed) linear layer, laid out so that applying them takes two calls.

For a layer with several slices (QKV, gate and up) all A matrices stand on top of each other, so that one product
shrinks for all slices, and the B matrices form one block-diagonal matrix, so that one product expands for all.
Rank padding is cut off: an adapter of rank 8 in a slot for rank 64 costs rank 8.
Knows nothing of batches and adapters' names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

Linear = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""(x, bias) -> x @ weight.T + bias"""

_ROWS_AT_ONCE = 512
"""The adapter's part of this many rows stays in a processor's cache until it is added; with all of a long prompt's
rows at once, adding costs a third of the product."""


def torch_linear(weight: torch.Tensor) -> Linear:
    """`torch.nn.functional.linear` with a fixed weight, where no faster kernel exists."""
    return lambda x, bias: torch.nn.functional.linear(x, weight, bias)


class PackedAdapter:
    """A and B of one adapter for one layer: `add_to(y, x)` does y += x @ A.T @ B.T for every slice.

    Args:
        a: per slice, the padded A (padded rank, inputs).
        b: per slice, the padded B (outputs of the slice, padded rank). Slices lie next to each other in `y`.
        dtype: the dtype of activations.
        linear: makes a multiplication by a fixed weight.
    """

    def __init__(
        self,
        a: Sequence[torch.Tensor],
        b: Sequence[torch.Tensor],
        dtype: torch.dtype,
        linear: Callable[[torch.Tensor], Linear] = torch_linear,
    ) -> None:
        ranks = [_true_rank(a_i, b_i) for a_i, b_i in zip(a, b, strict=True)]
        outputs = [b_i.shape[0] for b_i in b]
        self.rank = sum(ranks)
        self.outputs = sum(outputs)
        if self.rank == 0:
            return
        self._shrink = linear(torch.cat([a_i[:r] for a_i, r in zip(a, ranks, strict=True)]).to(dtype).contiguous())
        blocks = torch.block_diag(*[b_i[:, :r].float() for b_i, r in zip(b, ranks, strict=True)])
        self._expand = linear(blocks.to(dtype).contiguous())

    def add_to(self, y: torch.Tensor, x: torch.Tensor, scale: float = 1.0) -> None:
        """Adds the adapter's part to `y` (rows, at least `outputs`) in place; `x` is (rows, inputs).

        The part is rounded, then the sum, in the same way for one row and for thousands: an answer must not depend on
        what else is being answered.
        """
        if self.rank == 0:
            return
        h = self._shrink(x, None)
        if scale != 1.0:
            h *= scale
        if y.shape[1] != self.outputs:
            y = y[:, : self.outputs]
        rows = x.shape[0]
        if rows <= _ROWS_AT_ONCE:
            y += self._expand(h, None)
            return
        for start in range(0, rows, _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            y[some] += self._expand(h[some], None)


def _true_rank(a: torch.Tensor, b: torch.Tensor) -> int:
    """The rank without padding. A rank whose A row or B column is all zero adds nothing, at the end it can go."""
    used = (a != 0).any(dim=1) & (b != 0).any(dim=0)
    return int(used.nonzero().max()) + 1 if used.any() else 0
