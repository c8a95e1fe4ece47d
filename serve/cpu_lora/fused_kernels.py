"""vLLM's own fused CPU kernels for RMS norm, SwiGLU and rotary embedding, used where vLLM runs models eagerly.

With LoRA enabled vLLM does not compile models on CPU and computes these layers by chains of small PyTorch operations,
although its CPU extension has a kernel for each. Leaves every case alone that the kernels do not cover, and compiled
models too. Knows nothing of LoRA.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from serve.cpu_lora.replacing import replace_once

if TYPE_CHECKING:
    import torch


def use_fused_kernels() -> None:
    """Put the kernels into vLLM's layer classes; idempotent. Only for vLLM's CPU platform."""
    from vllm.model_executor.layers.activation import SiluAndMul
    from vllm.model_executor.layers.layernorm import RMSNorm
    from vllm.model_executor.layers.rotary_embedding.base import RotaryEmbedding

    _patch(RMSNorm, "rms_norm", _rms_norm)
    _patch(SiluAndMul, "silu_and_mul", _silu_and_mul)
    _patch(RotaryEmbedding, "rotary_embedding", _rotary_embedding)


def _patch(layer: type, kernel: str, make: Callable[[Callable[..., Any], Any], Any]) -> None:
    import torch

    if hasattr(torch.ops._C, kernel):  # noqa: SLF001  vLLM's extension is named so
        replace_once(layer, "forward_native", lambda original: make(original, torch))


def _rms_norm(original: Callable[..., Any], torch: Any) -> Any:
    norm, add_norm = torch.ops._C.rms_norm, torch.ops._C.fused_add_rms_norm  # noqa: SLF001
    compiling = torch.compiler.is_compiling

    def forward_native(self: Any, x: torch.Tensor, residual: torch.Tensor | None = None) -> Any:
        weight = self.weight
        plain = self.has_weight and self.variance_size_override is None and weight.dtype == x.dtype
        if not plain or not x.is_contiguous() or compiling():
            return original(self, x, residual)
        if residual is None:
            out = torch.empty_like(x)
            norm(out, x, weight, self.variance_epsilon)
            return out
        if residual.dtype != x.dtype or not residual.is_contiguous():
            return original(self, x, residual)
        add_norm(x, residual, weight, self.variance_epsilon)  # in place, which vLLM's callers expect
        return x, residual

    return forward_native


def _silu_and_mul(original: Callable[..., Any], torch: Any) -> Any:
    kernel, compiling = torch.ops._C.silu_and_mul, torch.compiler.is_compiling  # noqa: SLF001

    def forward_native(x: torch.Tensor) -> torch.Tensor:
        if not x.is_contiguous() or compiling():
            return original(x)
        out = x.new_empty((*x.shape[:-1], x.shape[-1] // 2))
        kernel(out, x)
        return out

    return staticmethod(forward_native)


def _rotary_embedding(original: Callable[..., Any], torch: Any) -> Any:
    kernel, compiling = torch.ops._C.rotary_embedding, torch.compiler.is_compiling  # noqa: SLF001

    def forward_native(
        self: Any, positions: torch.Tensor, query: torch.Tensor, key: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        covered = positions.dim() == 1 and query.dim() == 2 and query.stride(-1) == 1
        if key is None or not covered or key.dim() != 2 or key.stride(-1) != 1 or compiling():
            return original(self, positions, query, key)
        cache = self._match_cos_sin_cache_dtype(query)
        kernel(positions, query, key, self.head_size, cache, self.is_neox_style)  # in place
        return query, key

    return forward_native
