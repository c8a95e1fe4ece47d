"""The forward and backward passes between a decoder layer's matrix products, in plain PyTorch.

Every function writes into tensors it is given, works in any floating dtype, and comes with its derivative.
`fast_kernels.py` holds the same functions compiled for bfloat16; this module is what they are checked against and
what runs where Numba is missing. Knows no model, no adapter and no thread.

Shapes: T tokens, H hidden size, I inner size of the MLP, d head size, V vocabulary; queries are kept as
[key heads, T * group, d], where `group` query heads share a key head, so that the rows of one token are neighbours.
Tensors called `wide` have extra columns at the right (for LoRA, see `fast_weights.py`), which stay untouched.
"""

import torch
from torch import Tensor


def rms_norm(x: Tensor, weight: Tensor, eps: float, wide: Tensor, rstd: Tensor) -> None:
    """Root-mean-square norm of `x` [T, H] into `wide` [T, H+]; `rstd` [T] (float) is kept for the derivative."""
    exact = x.to(rstd.dtype)
    torch.rsqrt(exact.square().mean(-1) + eps, out=rstd)
    wide[:, : x.shape[1]] = exact * rstd[:, None] * weight


def rms_norm_backward(dy: Tensor, x: Tensor, weight: Tensor, rstd: Tensor, wide: Tensor) -> None:
    """Adds the norm's derivative for `dy` [T, H] to the gradient in `wide` [T, H+]."""
    width = x.shape[1]
    normed = x.to(rstd.dtype) * rstd[:, None]
    scaled = dy.to(rstd.dtype) * weight
    mean = (scaled * normed).mean(-1, keepdim=True)
    wide[:, :width] = wide[:, :width].to(rstd.dtype) + rstd[:, None] * (scaled - normed * mean)


def swiglu(gate_up: Tensor, wide: Tensor) -> None:
    """silu(gate) * up of `gate_up` [T, 2 I] into `wide` [T, I+]."""
    gate, up = gate_up.chunk(2, dim=1)
    wide[:, : gate.shape[1]] = torch.nn.functional.silu(gate) * up


def swiglu_backward(dy: Tensor, gate_up: Tensor, wide: Tensor) -> None:
    """The derivative of `swiglu` for `dy` [T, I] into `wide` [T, 2 I+]."""
    gate, up = gate_up.chunk(2, dim=1)
    width = gate.shape[1]
    sigmoid = torch.sigmoid(gate)
    wide[:, :width] = dy * up * sigmoid * (1 + gate * (1 - sigmoid))
    wide[:, width : 2 * width] = dy * gate * sigmoid


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the halves of the last dimension; `cos` and `sin` broadcast over it."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def split_heads(qkv: Tensor, cos: Tensor, sin: Tensor, q: Tensor, k: Tensor, v: Tensor) -> None:
    """Cut `qkv` [T, (heads + 2 key heads) d] into rotated `q`, rotated `k` and `v` [key heads, T, d].

    `cos` and `sin` [T, d / 2] are the rotary angles of the tokens.
    """
    key_heads, tokens, size = k.shape
    group = q.shape[1] // tokens
    queries, keys, values = qkv.split([key_heads * group * size, key_heads * size, key_heads * size], dim=1)
    cos, sin = cos[:, None], sin[:, None]
    turned = _turn(queries.view(tokens, key_heads * group, size).to(cos.dtype), cos, sin)
    q.view(key_heads, tokens, group, size).copy_(turned.view(tokens, key_heads, group, size).transpose(0, 1))
    turned = _turn(keys.view(tokens, key_heads, size).to(cos.dtype), cos, sin)
    k.copy_(turned.transpose(0, 1))
    v.copy_(values.view(tokens, key_heads, size).transpose(0, 1))


def split_heads_backward(dq: Tensor, dk: Tensor, dv: Tensor, cos: Tensor, sin: Tensor, wide: Tensor) -> None:
    """The derivative of `split_heads` into `wide` [T, (heads + 2 key heads) d+]."""
    key_heads, tokens, size = dk.shape
    group = dq.shape[1] // tokens
    cos, sin = cos[:, None], -sin[:, None]
    queries = dq.view(key_heads, tokens, group, size).transpose(0, 1).to(cos.dtype)
    turned = _turn(queries, cos[:, None], sin[:, None]).reshape(tokens, -1)
    keys = _turn(dk.transpose(0, 1).to(cos.dtype), cos, sin).reshape(tokens, -1)
    values = dv.transpose(0, 1).reshape(tokens, -1)
    columns = torch.cat((turned, keys, values.to(keys.dtype)), dim=1)
    wide[:, : columns.shape[1]] = columns


def merge_heads(o: Tensor, inverse: Tensor, wide: Tensor) -> None:
    """Attention output `o` [key heads, T * group, d], each row times `inverse`, into `wide` [T, heads d+]."""
    key_heads, rows, size = o.shape
    tokens = wide.shape[0]
    scaled = (o * inverse[:, :, None]).view(key_heads, tokens, rows // tokens, size)
    wide[:, : key_heads * (rows // tokens) * size] = scaled.transpose(0, 1).reshape(tokens, -1)


def merge_heads_backward(dy: Tensor, inverse: Tensor, do: Tensor) -> None:
    """The derivative of `merge_heads` for `dy` [T, heads d] with regard to `o`, into `do`."""
    key_heads, rows, size = do.shape
    tokens = dy.shape[0]
    heads = dy.view(tokens, key_heads, rows // tokens, size).transpose(0, 1)
    do.copy_(heads.reshape(key_heads, rows, size) * inverse[:, :, None])


def _visible(scores: Tensor, rows: slice, keys: int, group: int, context: int) -> Tensor:
    """True where a query row may look: all of the context, and the sequence up to itself."""
    last = torch.arange(rows.start, rows.stop, device=scores.device) // group + context
    return torch.arange(keys, device=scores.device) <= last[:, None]


def exp_rows(scores: Tensor, inverse: Tensor, rows: slice, keys: int, group: int, context: int, scale: float) -> None:
    """Softmax without its division: `scores` [key heads, rows, width] become exp(scale * (s - max)) in place.

    Only `rows` and the first `keys` columns are worked on; the columns from there to the next multiple of 64, and
    those a causal row may not see, become 0. `inverse` [key heads, rows] receives 1 / sum, which the caller applies
    where it costs nothing (`merge_heads`). Row r belongs to token r // group of the sequence; `context` columns
    before it are visible to every row.
    """
    part = scores[:, rows, :keys].to(inverse.dtype) * scale
    part = part.masked_fill(~_visible(scores, rows, keys, group, context), float("-inf"))
    part = torch.exp(part - part.amax(-1, keepdim=True))
    inverse[:, rows] = 1 / part.sum(-1)
    scores[:, rows, :keys] = part


def exp_rows_backward(
    dscores: Tensor,
    weights: Tensor,
    inverse: Tensor,
    rows: slice,
    keys: int,
    group: int,
    context: int,
    scale: float,
) -> None:
    """The derivative of attention's softmax, in place of `dscores`; `weights` are what `exp_rows` left.

    `dscores` holds the gradient of the normalised weights, already times `inverse` (`merge_heads_backward`).
    """
    grad = dscores[:, rows, :keys].to(inverse.dtype)
    grad = grad.masked_fill(~_visible(dscores, rows, keys, group, context), 0)
    part = weights[:, rows, :keys].to(inverse.dtype)
    mean = (part * grad).sum(-1) * inverse[:, rows]
    dscores[:, rows, :keys] = part * (grad - mean[:, :, None]) * scale


def cross_entropy(logits: Tensor, labels: Tensor, scales: Tensor, stats: Tensor) -> None:
    """Per row: loss, entropy, and whether the label is the likeliest token, into `stats` [rows, 3].

    `logits` [rows, V] are replaced by the gradient of scale * loss; each row has its own in `scales` [rows].
    """
    logs = torch.log_softmax(logits.to(stats.dtype), dim=-1)
    chances = logs.exp()
    picked = labels[:, None]
    stats[:, 0] = -logs.gather(1, picked)[:, 0]
    stats[:, 1] = -(chances * logs).sum(-1)
    stats[:, 2] = logs.argmax(-1) == labels
    chances.scatter_add_(1, picked, torch.full_like(chances[:, :1], -1.0))
    logits.copy_(chances * scales[:, None])
