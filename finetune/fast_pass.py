"""Loss and LoRA gradients of one pack of sequences, forward and backward, on one thread.

A pack is a row of tokens without padding: a shared beginning (may be empty) that is computed once, and sequences
that each continue it. Only attention knows the difference; everything else sees T tokens. Nothing but the adapter
has a gradient, and the vocabulary is only multiplied with at the labels. Knows no trainer and no other thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from finetune import lora_math
from finetune.fast_arena import Arena
from finetune.fast_attention import Attended, Attention
from finetune.fast_packs import Pack
from finetune.fast_weights import BorderedLinear, LayerWeights, ModelWeights, Norm

_HEAD_ROWS = 128  # labels per product with the vocabulary


@dataclass
class _Layer:
    """What a layer leaves for the way back; names as in `_forward_layer`."""

    x: Tensor
    normed_in: Tensor
    rstd_in: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    inverse: Tensor
    merged: Tensor
    middle: Tensor
    normed_mid: Tensor
    rstd_mid: Tensor
    gate_up: Tensor
    inner: Tensor
    attended: list[Attended]


class Gradients:
    """Sums over the packs of one worker: per matrix, of A rows [R, K] and s B columns [N, R], in full precision."""

    def __init__(self, weights: ModelWeights, exact: torch.dtype) -> None:
        self.a = {id(w): torch.zeros(w.ranks, w.inputs, dtype=exact) for w in weights.linears()}
        self.b = {id(w): torch.zeros(w.outputs, w.ranks, dtype=exact) for w in weights.linears()}

    def clear(self) -> None:
        """Start again from zero."""
        for grad in (*self.a.values(), *self.b.values()):
            grad.zero_()


class FastPass:
    """Runs packs through a model, one at a time.

    `kernels` is lora_math or fast_kernels; `keep_bytes` bounds the attention weights that are kept for the way back
    rather than computed again; `between` is called before every layer.
    """

    def __init__(
        self,
        weights: ModelWeights,
        kernels: ModuleType = lora_math,
        keep_bytes: int = 1 << 29,
        between: Callable[[], None] | None = None,
    ) -> None:
        self.weights, self.kernels, self.keep_bytes = weights, kernels, keep_bytes
        self._between = between or (lambda: None)
        self.dtype = weights.dtype
        self.exact = torch.float64 if self.dtype == torch.float64 else torch.float32
        self.arena = Arena()
        self.gradients = Gradients(weights, self.exact)

    @torch.no_grad()
    def run(self, pack: Pack, angles: tuple[Tensor, Tensor], scale: float | None) -> Tensor:
        """Loss, entropy and hit per label [M, 3]. With a `scale`, gradients are added up.

        They are those of scale * the sum of the losses, each times its label's weight.

        `angles` are `ModelWeights.angles` of at least the highest position.
        """
        start = self.arena.mark()
        cos, sin = angles[0][pack.positions], angles[1][pack.positions]
        keep = self._attention_bytes(pack) <= self.keep_bytes
        x = self._take(pack.tokens.numel(), self.weights.embedding.shape[1])
        torch.index_select(self.weights.embedding, 0, pack.tokens, out=x)
        saved: list[_Layer] = []
        for layer in self.weights.layers:
            self._between()
            mark = self.arena.mark()
            x, kept = self._forward_layer(layer, x, pack, cos, sin, keep)
            if scale is None:
                last = x.clone()
                self.arena.release(mark)
                x = self._take(*last.shape).copy_(last)
            else:
                saved.append(kept)
        stats, dx = self._head(x, pack, scale)
        if scale is not None:
            for index in reversed(range(len(saved))):
                self._between()
                mark = self.arena.mark()
                self._backward_layer(self.weights.layers[index], saved[index], dx, pack, cos, sin, first=index == 0)
                self.arena.release(mark)
        self.arena.release(start)
        return stats

    def _take(self, *shape: int) -> Tensor:
        return self.arena.take(shape, self.dtype)

    def _take_exact(self, *shape: int) -> Tensor:
        return self.arena.take(shape, self.exact)

    def _attention_bytes(self, pack: Pack) -> int:
        cells = sum((s.stop - s.start) * (s.context + s.stop - s.start) for s in pack.segments)
        return cells * self.weights.heads * len(self.weights.layers) * self.dtype.itemsize

    # Linear modules ----------------------------------------------------------------------------------------------

    def _wide(self, rows: int, inputs: int, linear: BorderedLinear | None = None) -> Tensor:
        """Room for [rows, inputs] and, at its right, for the ranks of `linear`."""
        return self._take(rows, inputs + (linear.ranks if linear else 0))

    def _forward(self, linear: BorderedLinear, wide: Tensor, out: Tensor, add: Tensor | None = None) -> Tensor:
        """Into `out` [T, N]: the modules applied to x (the left of `wide`), plus `add`; x A' stays at its right."""
        inputs, outputs = linear.inputs, linear.outputs
        if linear.ranks:
            torch.mm(wide[:, :inputs], linear.matrix[outputs:, :inputs].t(), out=wide[:, inputs:])
        matrix = linear.matrix[:outputs].t()
        if add is None:
            torch.mm(wide, matrix, out=out)
        else:
            torch.addmm(add, wide, matrix, out=out)
        if linear.bias is not None:
            out += linear.bias
        return out

    def _backward(self, linear: BorderedLinear, dwide: Tensor, wide: Tensor, dx: Tensor | None) -> None:
        """From dy (the left of `dwide`): adds up the adapter's gradients, and dx [T, K] where it is wanted."""
        inputs, outputs, ranks = linear.inputs, linear.outputs, linear.ranks
        if ranks:
            dy, dranks = dwide[:, :outputs], dwide[:, outputs:]
            torch.mm(dy, linear.matrix[:outputs, inputs:], out=dranks)
            mark = self.arena.mark()
            grad_a = torch.mm(dranks.t(), wide[:, :inputs], out=self._take(ranks, inputs))
            self.gradients.a[id(linear)] += grad_a
            grad_b = torch.mm(dy.t(), wide[:, inputs:], out=self._take(outputs, ranks))
            self.gradients.b[id(linear)] += grad_b
            self.arena.release(mark)
        if dx is not None:
            torch.mm(dwide, linear.matrix[:, :inputs], out=dx)

    # Layers ------------------------------------------------------------------------------------------------------

    def _forward_layer(
        self, layer: LayerWeights, x: Tensor, pack: Pack, cos: Tensor, sin: Tensor, keep: bool
    ) -> tuple[Tensor, _Layer]:
        tokens, hidden = x.shape
        key_heads, size = self.weights.key_heads, layer.head_size
        rows = tokens * (self.weights.heads // key_heads)
        normed_in, rstd_in = self._norm(layer.norm_in, x, layer.qkv)
        qkv = self._forward(layer.qkv, normed_in, self._take(tokens, layer.qkv.outputs))
        q, k, v = (self._take(key_heads, n, size) for n in (rows, tokens, tokens))
        self.kernels.split_heads(qkv, cos, sin, q, k, v)
        o, inverse = self._take(key_heads, rows, size), self._take_exact(key_heads, rows)
        attention = self._attention(layer)
        attended = [attention.forward(s, q, k, v, o, inverse, keep) for s in pack.segments]
        merged = self._wide(tokens, layer.o.inputs, layer.o)
        self.kernels.merge_heads(o, inverse, merged)
        middle = self._forward(layer.o, merged, self._take(tokens, hidden), add=x)
        normed_mid, rstd_mid = self._norm(layer.norm_mid, middle, layer.gate_up)
        gate_up = self._forward(layer.gate_up, normed_mid, self._take(tokens, layer.gate_up.outputs))
        inner = self._wide(tokens, layer.down.inputs, layer.down)
        self.kernels.swiglu(gate_up, inner)
        y = self._forward(layer.down, inner, self._take(tokens, hidden), add=middle)
        kept = _Layer(
            x, normed_in, rstd_in, q, k, v, inverse, merged, middle, normed_mid, rstd_mid, gate_up, inner, attended
        )
        return y, kept

    def _attention(self, layer: LayerWeights) -> Attention:
        group = self.weights.heads // self.weights.key_heads
        return Attention(group, layer.scale, self.kernels, self.arena, self.exact)

    def _norm(self, norm: Norm, x: Tensor, linear: BorderedLinear | None) -> tuple[Tensor, Tensor]:
        wide, rstd = self._wide(x.shape[0], x.shape[1], linear), self._take_exact(x.shape[0])
        self.kernels.rms_norm(x, norm.weight, norm.eps, wide, rstd)
        return wide, rstd

    def _backward_layer(
        self, layer: LayerWeights, kept: _Layer, dx: Tensor, pack: Pack, cos: Tensor, sin: Tensor, first: bool
    ) -> None:
        """Turns `dx` [T, H] from the gradient of the layer's output into that of its input, in place."""
        tokens, hidden = kept.x.shape
        linear = layer.down
        wide = self._wide(tokens, hidden, linear)
        wide[:, :hidden] = dx
        dinner = self._take(tokens, linear.inputs)
        self._backward(linear, wide, kept.inner, dinner)
        dgate_up = self._wide(tokens, layer.gate_up.outputs, layer.gate_up)
        self.kernels.swiglu_backward(dinner, kept.gate_up, dgate_up)
        dnormed = self._take(tokens, hidden)
        self._backward(layer.gate_up, dgate_up, kept.normed_mid, dnormed)
        self.kernels.rms_norm_backward(dnormed, kept.middle, layer.norm_mid.weight, kept.rstd_mid, dx)

        wide = self._wide(tokens, hidden, layer.o)
        wide[:, :hidden] = dx
        dmerged = self._take(tokens, layer.o.inputs)
        self._backward(layer.o, wide, kept.merged, dmerged)
        do, dq = self._take(*kept.q.shape), self._take(*kept.q.shape)
        dk, dv = self._take(*kept.k.shape), self._take(*kept.v.shape)
        self.kernels.merge_heads_backward(dmerged, kept.inverse, do)
        self._attention(layer).backward(pack.segments, kept.attended, kept.q, do, dq, dk, dv)
        dqkv = self._wide(tokens, layer.qkv.outputs, layer.qkv)
        self.kernels.split_heads_backward(dq, dk, dv, cos, sin, dqkv)
        self._backward(layer.qkv, dqkv, kept.normed_in, None if first else dnormed)
        if not first:
            self.kernels.rms_norm_backward(dnormed, kept.x, layer.norm_in.weight, kept.rstd_in, dx)

    # Vocabulary --------------------------------------------------------------------------------------------------

    def _head(self, x: Tensor, pack: Pack, scale: float | None) -> tuple[Tensor, Tensor]:
        """Statistics [M, 3] of the labels, and the gradient [T, H] of the last layer's output."""
        weights, hidden = self.weights, x.shape[1]
        stats = torch.empty(pack.rows.numel(), 3, dtype=self.exact)
        scales = pack.weights.to(self.exact) * (scale or 0.0)
        dx = self._take(*x.shape)
        if scale is not None:
            dx.zero_()
        mark = self.arena.mark()
        for first in range(0, pack.rows.numel(), _HEAD_ROWS):
            part = slice(first, first + _HEAD_ROWS)
            picked, labels = x[pack.rows[part]], pack.labels[part]
            normed, rstd = self._norm(weights.norm, picked, None)
            logits = self._take(labels.numel(), weights.head.shape[0])
            torch.mm(normed, weights.head.t(), out=logits)
            self.kernels.cross_entropy(logits, labels, scales[part], stats[part])
            if scale is not None:
                dnormed = torch.mm(logits, weights.head, out=self._take(labels.numel(), hidden))
                dpicked = torch.zeros_like(picked)
                self.kernels.rms_norm_backward(dnormed, picked, weights.norm.weight, rstd, dpicked)
                dx[pack.rows[part]] = dpicked
            self.arena.release(mark)
        return stats, dx
