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

BLOCK_DIAGONAL_ROWS = 64
"""Up to this many rows the number of calls costs more than multiplying the zeros of the block-diagonal matrix."""


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
        blocks = torch.block_diag(*[b_i[:, :r].float() for b_i, r in zip(b, ranks, strict=True)]).to(dtype)
        self._expand = linear(blocks.contiguous())
        self._blocks = blocks.t().contiguous()
        self._slices: list[tuple[slice, slice, torch.Tensor]] = []
        rank_start = output_start = 0
        for b_i, r, n in zip(b, ranks, outputs, strict=True):
            if r:
                columns, units = slice(output_start, output_start + n), slice(rank_start, rank_start + r)
                self._slices.append((columns, units, b_i[:, :r].t().to(dtype).contiguous()))
            rank_start, output_start = rank_start + r, output_start + n

    def add_to(self, y: torch.Tensor, x: torch.Tensor, scale: float = 1.0) -> None:
        """Adds the adapter's part to `y` (rows, at least `outputs`) in place; `x` is (rows, inputs).

        Every way of doing it rounds the sum once, and so a row's result is the same to the bit however many rows there
        are: an answer must not depend on what else is being answered.
        """
        if self.rank == 0:
            return
        h = self._shrink(x, None)
        if scale != 1.0:
            h *= scale
        rows = x.shape[0]
        if rows > BLOCK_DIAGONAL_ROWS:
            for columns, units, b in self._slices:
                y[:, columns].addmm_(h[:, units], b)
            return
        if y.shape[1] != self.outputs:
            y = y[:, : self.outputs]
        if rows == 1:  # the row itself can be the bias: one call expands and adds
            y.copy_(self._expand(h, y.view(-1)))
        else:
            y.addmm_(h, self._blocks)


def _true_rank(a: torch.Tensor, b: torch.Tensor) -> int:
    """The rank without padding. A rank whose A row or B column is all zero adds nothing, at the end it can go."""
    used = (a != 0).any(dim=1) & (b != 0).any(dim=0)
    return int(used.nonzero().max()) + 1 if used.any() else 0
