"""Elementwise passes of a decoder layer on bfloat16 in main memory, compiled by Numba for this processor.

Each function here has a namesake in `lora_math.py` with the same signature; that one defines what is computed,
this one computes it in one pass over memory. One call runs on one thread and holds no interpreter lock, so several
sequences can be worked on at once. Importing the module needs Numba; compiling takes some seconds, once per
machine (cached). Knows nothing of LoRA, layers or training.
"""

from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types  # pyright: ignore[reportAttributeAccessIssue]
from numba.extending import intrinsic

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": True,
    "cache": True,
    "error_model": "numpy",
    "boundscheck": False,
}


@intrinsic
def _as_float(typingctx: Any, bits: Any) -> Any:
    """Reinterpret 32 bits as a float."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.uint32), codegen


@intrinsic
def _load(typingctx: Any, half: Any) -> Any:
    """bfloat16 bits to float: the upper half of a float's bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = builder.zext(args[0], ir.IntType(32))
        return builder.bitcast(builder.shl(wide, ir.Constant(ir.IntType(32), 16)), ir.FloatType())

    return types.float32(types.uint16), codegen


@intrinsic
def _store(typingctx: Any, number: Any) -> Any:
    """Float to bfloat16 bits, rounded to nearest even."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(32)
        bits = builder.bitcast(args[0], word)
        odd = builder.and_(builder.lshr(bits, ir.Constant(word, 16)), ir.Constant(word, 1))
        rounded = builder.add(builder.add(bits, ir.Constant(word, 0x7FFF)), odd)
        return builder.trunc(builder.lshr(rounded, ir.Constant(word, 16)), ir.IntType(16))

    return types.uint16(types.float32), codegen


_F = np.float32
_ONE, _HALF, _ZERO = _F(1), _F(0.5), _F(0)


@njit(inline="always", fastmath=True, error_model="numpy")
def _exp(x: Any) -> Any:
    """e ** x to within 2e-6 of its value, in instructions a vector unit has; below -87 it is as good as 0."""
    x = min(max(x, _F(-87.0)), _F(88.0))
    whole = np.floor(x * _F(1.44269504) + _HALF)
    rest = x - whole * _F(0.693147181)
    power = _F(0.5) + rest * (_F(0.16666667) + rest * (_F(0.04166667) + rest * _F(0.00833333)))
    power = _ONE + rest * (_ONE + rest * power)
    return power * _as_float(np.uint32(np.int32(whole) + np.int32(127)) << np.uint32(23))


@njit(inline="always", fastmath=True, error_model="numpy")
def _largest(row: Any, count: Any) -> Any:
    """The largest of the first `count` numbers; compared as integers, which vectorises eight times better."""
    top = np.int32(-(2**15))
    for i in range(count):
        bits = np.int32(np.int16(row[i]))
        top = max(top, bits ^ ((bits >> np.int32(15)) & np.int32(0x7FFF)))
    return _load(np.uint16(top ^ ((top >> np.int32(15)) & np.int32(0x7FFF))))


@njit(**_OPTIONS)
def _rms_norm(x: Any, weight: Any, eps: Any, wide: Any, rstd: Any) -> None:
    width = x.shape[1]
    for t in range(x.shape[0]):
        row, out = x[t], wide[t]
        total = _ZERO
        for i in range(width):
            value = _load(row[i])
            total += value * value
        factor = _ONE / np.sqrt(total / _F(width) + eps)
        rstd[t] = factor
        for i in range(width):
            out[i] = _store(_load(row[i]) * factor * weight[i])


@njit(**_OPTIONS)
def _rms_norm_backward(dy: Any, x: Any, weight: Any, rstd: Any, wide: Any) -> None:
    width = x.shape[1]
    for t in range(x.shape[0]):
        row, grad, out = x[t], dy[t], wide[t]
        total = _ZERO
        for i in range(width):
            total += _load(grad[i]) * weight[i] * _load(row[i])
        factor = rstd[t]
        mean = total * factor * factor / _F(width)
        for i in range(width):
            change = factor * (_load(grad[i]) * weight[i] - _load(row[i]) * mean)
            out[i] = _store(_load(out[i]) + change)


@njit(**_OPTIONS)
def _swiglu(gate_up: Any, wide: Any) -> None:
    width = gate_up.shape[1] // 2
    for t in range(gate_up.shape[0]):
        gate, up, out = gate_up[t, :width], gate_up[t, width:], wide[t]
        for i in range(width):
            value = _load(gate[i])
            out[i] = _store(value / (_ONE + _exp(-value)) * _load(up[i]))


@njit(**_OPTIONS)
def _swiglu_backward(dy: Any, gate_up: Any, wide: Any) -> None:
    width = gate_up.shape[1] // 2
    for t in range(gate_up.shape[0]):
        gate, up, grad = gate_up[t, :width], gate_up[t, width:], dy[t]
        dgate, dup = wide[t, :width], wide[t, width : 2 * width]
        for i in range(width):
            value, change = _load(gate[i]), _load(grad[i])
            sigmoid = _ONE / (_ONE + _exp(-value))
            dup[i] = _store(change * value * sigmoid)
            slope = sigmoid * (_ONE + value * (_ONE - sigmoid))
            dgate[i] = _store(change * _load(up[i]) * slope)


@njit(inline="always", fastmath=True, error_model="numpy")
def _turn(source: Any, cos: Any, sin: Any, sign: Any, target: Any) -> None:
    half = cos.shape[0]
    for i in range(half):
        first, second = _load(source[i]), _load(source[half + i])
        turn = sign * sin[i]
        target[i] = _store(first * cos[i] - second * turn)
        target[half + i] = _store(second * cos[i] + first * turn)


@njit(**_OPTIONS)
def _split_heads(qkv: Any, cos: Any, sin: Any, q: Any, k: Any, v: Any) -> None:
    key_heads, tokens, size = k.shape
    group = q.shape[1] // tokens
    heads = key_heads * group
    for t in range(tokens):
        row = qkv[t]
        for head in range(heads):
            target = q[head // group, t * group + head % group]
            _turn(row[head * size : (head + 1) * size], cos[t], sin[t], _ONE, target)
        for head in range(key_heads):
            start = (heads + head) * size
            _turn(row[start : start + size], cos[t], sin[t], _ONE, k[head, t])
            start += key_heads * size
            target = v[head, t]
            for i in range(size):
                target[i] = row[start + i]


@njit(**_OPTIONS)
def _split_heads_backward(dq: Any, dk: Any, dv: Any, cos: Any, sin: Any, wide: Any) -> None:
    key_heads, tokens, size = dk.shape
    group = dq.shape[1] // tokens
    heads = key_heads * group
    for t in range(tokens):
        row = wide[t]
        for head in range(heads):
            source = dq[head // group, t * group + head % group]
            _turn(source, cos[t], sin[t], -_ONE, row[head * size : (head + 1) * size])
        for head in range(key_heads):
            start = (heads + head) * size
            _turn(dk[head, t], cos[t], sin[t], -_ONE, row[start : start + size])
            start += key_heads * size
            source = dv[head, t]
            for i in range(size):
                row[start + i] = source[i]


@njit(**_OPTIONS)
def _merge_heads(o: Any, inverse: Any, wide: Any) -> None:
    key_heads, rows, size = o.shape
    tokens = wide.shape[0]
    group = rows // tokens
    for t in range(tokens):
        for head in range(key_heads * group):
            a, r = head // group, t * group + head % group
            source, factor, target = o[a, r], inverse[a, r], wide[t, head * size : (head + 1) * size]
            for i in range(size):
                target[i] = _store(_load(source[i]) * factor)


@njit(**_OPTIONS)
def _merge_heads_backward(dy: Any, inverse: Any, do: Any) -> None:
    key_heads, rows, size = do.shape
    tokens = dy.shape[0]
    group = rows // tokens
    for t in range(tokens):
        for head in range(key_heads * group):
            a, r = head // group, t * group + head % group
            source, factor, target = dy[t, head * size : (head + 1) * size], inverse[a, r], do[a, r]
            for i in range(size):
                target[i] = _store(_load(source[i]) * factor)


@njit(**_OPTIONS)
def _exp_rows(
    scores: Any, inverse: Any, start: int, stop: int, keys: int, group: int, context: int, scale: Any
) -> None:
    # Rows are worked on in steps of 64 columns: a remainder would run one element at a time.
    padded = (keys + 63) // 64 * 64
    for head in range(scores.shape[0]):
        for r in range(start, stop):
            row = scores[head, r]
            seen = r // group + context + 1
            for i in range(seen, padded):
                row[i] = np.uint16(0xFF80)  # minus infinity
            reach = min((seen + 63) // 64 * 64, padded)
            top = _largest(row, reach)
            total = _ZERO
            for i in range(reach):
                value = _exp((_load(row[i]) - top) * scale)
                total += value
                row[i] = _store(value)
            for i in range(reach, padded):
                row[i] = np.uint16(0)
            inverse[head, r] = _ONE / total


@njit(**_OPTIONS)
def _exp_rows_backward(
    dscores: Any,
    weights: Any,
    inverse: Any,
    start: int,
    stop: int,
    keys: int,
    group: int,
    context: int,
    scale: Any,
) -> None:
    padded = (keys + 63) // 64 * 64
    for head in range(dscores.shape[0]):
        for r in range(start, stop):
            grad, part = dscores[head, r], weights[head, r]
            seen = r // group + context + 1
            for i in range(seen, padded):
                grad[i] = np.uint16(0)
            reach = min((seen + 63) // 64 * 64, padded)
            mean = _ZERO
            for i in range(reach):
                mean += _load(part[i]) * _load(grad[i])
            mean *= inverse[head, r]
            for i in range(reach):
                grad[i] = _store(_load(part[i]) * (_load(grad[i]) - mean) * scale)


@njit(**_OPTIONS)
def _cross_entropy(logits: Any, labels: Any, scale: Any, stats: Any) -> None:
    for r in range(logits.shape[0]):
        row, label = logits[r], labels[r]
        top = _largest(row, row.shape[0])
        total, weighted = _ZERO, _ZERO
        for i in range(row.shape[0]):
            value = _load(row[i]) - top
            weight = _exp(value)
            total += weight
            weighted += weight * value
        chosen = _load(row[label]) - top
        log_total = np.log(total)
        stats[r, 0] = log_total - chosen
        stats[r, 1] = log_total - weighted / total
        stats[r, 2] = _ONE if chosen >= _ZERO else _ZERO
        factor = scale / total
        for i in range(row.shape[0]):
            row[i] = _store(_exp(_load(row[i]) - top) * factor)
        row[label] = _store((np.exp(chosen) / total - _ONE) * scale)


def _bits(tensor: torch.Tensor) -> np.ndarray:
    """A bfloat16 tensor's memory as an array of its bits; shares memory."""
    return tensor.view(torch.uint16).numpy()


def rms_norm(
    x: torch.Tensor, weight: torch.Tensor, eps: float, wide: torch.Tensor, rstd: torch.Tensor
) -> None:
    _rms_norm(_bits(x), weight.numpy(), _F(eps), _bits(wide), rstd.numpy())


def rms_norm_backward(
    dy: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, rstd: torch.Tensor, wide: torch.Tensor
) -> None:
    _rms_norm_backward(_bits(dy), _bits(x), weight.numpy(), rstd.numpy(), _bits(wide))


def swiglu(gate_up: torch.Tensor, wide: torch.Tensor) -> None:
    _swiglu(_bits(gate_up), _bits(wide))


def swiglu_backward(dy: torch.Tensor, gate_up: torch.Tensor, wide: torch.Tensor) -> None:
    _swiglu_backward(_bits(dy), _bits(gate_up), _bits(wide))


def split_heads(
    qkv: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
) -> None:
    _split_heads(_bits(qkv), cos.numpy(), sin.numpy(), _bits(q), _bits(k), _bits(v))


def split_heads_backward(
    dq: torch.Tensor,
    dk: torch.Tensor,
    dv: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    wide: torch.Tensor,
) -> None:
    _split_heads_backward(_bits(dq), _bits(dk), _bits(dv), cos.numpy(), sin.numpy(), _bits(wide))


def merge_heads(o: torch.Tensor, inverse: torch.Tensor, wide: torch.Tensor) -> None:
    _merge_heads(_bits(o), inverse.numpy(), _bits(wide))


def merge_heads_backward(dy: torch.Tensor, inverse: torch.Tensor, do: torch.Tensor) -> None:
    _merge_heads_backward(_bits(dy), inverse.numpy(), _bits(do))


def exp_rows(
    scores: torch.Tensor,
    inverse: torch.Tensor,
    rows: slice,
    keys: int,
    group: int,
    context: int,
    scale: float,
) -> None:
    _exp_rows(
        _bits(scores), inverse.numpy(), rows.start, rows.stop, keys, group, context, _F(scale)
    )


def exp_rows_backward(
    dscores: torch.Tensor,
    weights: torch.Tensor,
    inverse: torch.Tensor,
    rows: slice,
    keys: int,
    group: int,
    context: int,
    scale: float,
) -> None:
    _exp_rows_backward(
        _bits(dscores),
        _bits(weights),
        inverse.numpy(),
        rows.start,
        rows.stop,
        keys,
        group,
        context,
        _F(scale),
    )


def cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, scale: float, stats: torch.Tensor
) -> None:
    _cross_entropy(_bits(logits), labels.numpy(), _F(scale), stats.numpy())
