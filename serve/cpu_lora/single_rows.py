"""Products of a single row that come out to the bit as they do among other rows.

oneDNN sums over more than 1,024 inputs in another order when there is one row alone (seen on an AMD Zen 5, vLLM 0.32:
one element in a thousand is rounded otherwise, and for no other number of rows). An answer's later tokens would then
depend on whether somebody else is being answered at the moment. Two rows cost hardly more than one: the weights have
to be read for either. Knows nothing of LoRA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_MOST_INPUTS = 1024
_PATCHED = "_graft_original_onednn_mm"


def doubled(x: torch.Tensor) -> torch.Tensor | None:
    """The rows to multiply instead of `x` (rows, inputs), whose first product is wanted; None: `x` as it is."""
    if x.shape[0] != 1 or x.shape[1] <= _MOST_INPUTS:
        return None
    return x.expand(2, -1).contiguous()


def use_doubled_rows() -> None:
    """Make vLLM's oneDNN linear layers multiply single rows so; idempotent."""
    from vllm import _custom_ops as ops

    if hasattr(ops, _PATCHED) or not ops._supports_onednn:  # noqa: SLF001
        return
    original = ops.onednn_mm

    def onednn_mm(dnnl_handler: ops.CPUDNNLGEMMHandler, x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        two = doubled(x) if x.dim() == 2 else None
        return original(dnnl_handler, x, bias) if two is None else original(dnnl_handler, two, bias)[:1]

    setattr(ops, _PATCHED, original)
    ops.onednn_mm = onednn_mm
