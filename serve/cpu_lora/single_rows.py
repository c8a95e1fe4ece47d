"""Products of a single row that come out to the bit as they do among other rows.

oneDNN sums over more than 1,024 inputs in another order when there is one row alone (seen on an AMD Zen 5, vLLM 0.32:
one element in a thousand is rounded otherwise, and for no other number of rows). An answer's later tokens would then
depend on whether somebody else is being answered at the moment. Two rows cost hardly more than one: the weights have
to be read for either. Knows nothing of LoRA.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from serve.cpu_lora.replacing import replace_once

if TYPE_CHECKING:
    import torch

_MOST_INPUTS = 1024


def in_company(
    product: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor], x: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """`product(x, bias)` of `x` (rows, inputs); a single row with many inputs is multiplied beside itself."""
    if x.shape[0] != 1 or x.dim() != 2 or x.shape[1] <= _MOST_INPUTS:
        return product(x, bias)
    return product(x.expand(2, -1).contiguous(), bias)[:1]


def use_doubled_rows() -> None:
    """Make vLLM's oneDNN linear layers multiply single rows so; idempotent."""
    from vllm import _custom_ops as ops

    if ops._supports_onednn:  # noqa: SLF001
        replace_once(ops, "onednn_mm", _multiplying)


def _multiplying(original: Any) -> Any:
    def onednn_mm(dnnl_handler: Any, x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return in_company(partial(original, dnnl_handler), x, bias)

    return onednn_mm
