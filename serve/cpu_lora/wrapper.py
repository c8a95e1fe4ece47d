"""The interface that vLLM has for LoRA on CPU, implemented by row groups and packed weights.

Written against vLLM 0.32 (`vllm/lora/punica_wrapper/punica_base.py`); could stand in place of its `PunicaWrapperCPU`.
The whole class runs eagerly: vLLM does not compile models with LoRA on CPU.
"""
# ruff: noqa: ARG002  the signatures are vLLM's

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from vllm import _custom_ops as ops
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

from core.processor import multiplies_bfloat16
from serve.cpu_lora.grouping import RowGroup, group_rows
from serve.cpu_lora.packing import Linear, PackedAdapter, torch_linear
from serve.cpu_lora.single_rows import in_company

if TYPE_CHECKING:
    from vllm.lora.layers import LoRAMapping

Stacked = tuple[torch.Tensor, ...]
"""Per slice a tensor (slots, 1, padded rank, inputs) for A, (slots, 1, outputs, padded rank) for B."""

PRIMITIVE_CACHE = 32  # shapes remembered per weight, as in vLLM's own linear layers


class GroupedPunicaWrapper(PunicaWrapperCPU):
    """LoRA in batches that mix adapters and the base model; see `PunicaWrapperBase` for the meaning of the calls."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._token_groups: tuple[RowGroup, ...] = ()
        self._sample_groups: tuple[RowGroup, ...] = ()
        self._layers: dict[int, _Layer] = {}

    def update_metadata(
        self,
        mapping: LoRAMapping,
        lora_index_to_id: list[int | None],
        max_loras: int,
        vocab_size: int,
        **kwargs: Any,
    ) -> None:
        """Group the rows of the coming step by adapter, once for all layers."""
        super().update_metadata(mapping, lora_index_to_id, max_loras, vocab_size, **kwargs)
        slot_of = {adapter: slot for slot, adapter in enumerate(lora_index_to_id) if adapter is not None}
        self._token_groups = group_rows(mapping.index_mapping, slot_of)
        self._sample_groups = group_rows(mapping.prompt_mapping, slot_of)

    def add_lora_linear(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: Stacked,
        lora_b_stacked: Stacked,
        scale: float,
        output_slices: tuple[int, ...],
        *,
        buffer: tuple[torch.Tensor, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add x @ A_i.T @ B_i.T * scale to slice i of y, each row with its own adapter's A and B."""
        for group in self._token_groups:
            packed = self._packed(group.slot, x.dtype, lora_a_stacked, lora_b_stacked)
            if packed.rank:
                _apply(group, packed, _as_rows(y), _as_rows(x), scale)

    def add_lora_logits(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: torch.Tensor,
        lora_b_stacked: torch.Tensor,
        scale: float,
        *,
        buffer: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        """The same for the LM head, where each row is a sampled position.

        For `prompt_logprobs` vLLM asks again with all rows of one request and does not say which request. Then rows
        get an adapter only when the whole batch has the same.
        """
        y = _as_rows(y)
        are_sampled = y.shape[0] == self.sampler_indices.shape[0]
        for group in self._sample_groups:
            if not are_sampled and group.rows is not None:
                continue
            packed = self._packed(group.slot, x.dtype, (lora_a_stacked,), (lora_b_stacked,))
            if packed.rank:
                _apply(group, packed, y, _as_rows(x), scale)

    def add_lora_embedding(
        self, y: torch.Tensor, x: torch.Tensor, lora_b_stacked: torch.Tensor, add_inputs: bool = True, **kwargs: Any
    ) -> None:
        """Add x @ B.T, where x (rows, padded rank) holds the rows that were looked up in A."""
        for group in self._token_groups:
            _add_rows(y, group, group.take(x).to(y.dtype) @ lora_b_stacked[group.slot, 0].t().to(y.dtype))

    def add_shrink(self, y: Any, x: torch.Tensor, lora_a_stacked: Stacked, scale: float, **kwargs: Any) -> None:
        """Add x @ A_i.T * scale to y[i] (tensor parallelism with sharded A only)."""
        x = x.view(-1, x.shape[-1])
        for group in self._token_groups:
            taken = group.take(x)
            for y_i, a_i in zip(y, lora_a_stacked, strict=True):
                _add_rows(y_i, group, (taken @ a_i[group.slot, 0].t().to(x.dtype) * scale).to(y_i.dtype))

    def add_expand(
        self,
        y: torch.Tensor,
        x: Any,
        lora_b_stacked: Stacked,
        output_slices: tuple[int, ...],
        offset_start: int = 0,
        add_inputs: bool = True,
        **kwargs: Any,
    ) -> None:
        """Add x[i] @ B_i.T to slice i of y (tensor parallelism with sharded A only)."""
        y = y.view(-1, y.shape[-1])
        for group in self._token_groups:
            start = offset_start
            for x_i, b_i, width in zip(x, lora_b_stacked, output_slices, strict=True):
                part = group.take(x_i).to(y.dtype) @ b_i[group.slot, 0].t().to(y.dtype)
                _add_rows(y[:, start : start + width], group, part)
                start += width

    def _packed(self, slot: int, dtype: torch.dtype, a: Stacked, b: Stacked) -> PackedAdapter:
        layer = self._layers.get(id(a[0]))
        if layer is None:
            layer = self._layers[id(a[0])] = _Layer(a, b)
        return layer.adapter(slot, dtype)


class _Layer:
    """The packed adapters of one layer, packed again when vLLM has written other weights into the stacked tensors."""

    def __init__(self, a: Stacked, b: Stacked) -> None:
        self._a, self._b = a, b  # also keeps the tensor alive whose id is our key
        # Setting a slot's weights begins by clearing all its tensors, so one tensor's version tells for all.
        self._watched = a[0]
        self._version = -1
        self._adapters: dict[int, PackedAdapter] = {}

    def adapter(self, slot: int, dtype: torch.dtype) -> PackedAdapter:
        version = self._watched._version  # noqa: SLF001  torch's own count of in-place writes; it only grows
        if version != self._version:
            self._adapters.clear()
            self._version = version
        packed = self._adapters.get(slot)
        if packed is None:
            a, b = ([t[slot, 0] for t in stacked] for stacked in (self._a, self._b))
            packed = self._adapters[slot] = PackedAdapter(a, b, dtype, _fixed_linear)
        return packed


def _as_rows(x: torch.Tensor) -> torch.Tensor:
    return x if x.dim() == 2 else x.view(-1, x.shape[-1])


def _apply(group: RowGroup, packed: PackedAdapter, y: torch.Tensor, x: torch.Tensor, scale: float) -> None:
    if group.rows is None:
        packed.add_to(y, x, scale)
    elif isinstance(group.rows, slice):
        packed.add_to(y[group.rows], x[group.rows], scale)
    else:
        taken = y[group.rows]
        packed.add_to(taken, x[group.rows], scale)
        y[group.rows] = taken


def _add_rows(y: torch.Tensor, group: RowGroup, part: torch.Tensor) -> None:
    width = min(y.shape[1], part.shape[1])
    rows = slice(None) if group.rows is None else group.rows
    y[rows, :width] += part[:, :width]


def _onednn_types() -> tuple[torch.dtype, ...]:
    """What oneDNN has products for here: none of bfloat16 where the processor only emulates it."""
    return (torch.bfloat16, torch.float32) if multiplies_bfloat16() else (torch.float32,)


def _fixed_linear(weight: torch.Tensor) -> Linear:
    """The oneDNN product of vLLM with a weight that is laid out once: a third of the call overhead of torch's."""
    if not ops._supports_onednn or weight.dtype not in _onednn_types():  # noqa: SLF001
        return torch_linear(weight)
    handler = ops.create_onednn_mm(weight.t(), PRIMITIVE_CACHE)
    product = torch.ops._C.onednn_mm.default  # noqa: SLF001  the overload itself: finding it costs as much as the call

    def linear(x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        out = torch.empty((x.shape[0], handler.n), dtype=x.dtype)
        product(out, x, bias, handler.handler_tensor)
        return out

    return partial(in_company, linear)
