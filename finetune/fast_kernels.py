"""The functions of `lora_math.py` on bfloat16 or float32 in main memory, compiled by Numba for this processor.

Names and signatures are the same; `lora_math.py` says what is computed. Here each is one pass over memory, on one
thread, without the interpreter's lock, so that several sequences can be worked on at once. Importing the module
needs Numba; compiling takes some seconds, once per machine. Knows nothing of LoRA, layers or training.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit, types  # pyright: ignore[reportAttributeAccessIssue]
from numba.extending import overload

from finetune.fast_bits import float_of_bits, load, put

_OPTIONS: dict[str, Any] = {"fastmath": True, "error_model": "numpy", "boundscheck": False}


def _compiled(function: Any) -> Any:
    """Compile for one thread without the interpreter's lock; kept on disk where a folder for that can be written."""
    try:
        return njit(nogil=True, cache=True, **_OPTIONS)(function)
    except RuntimeError:
        return njit(nogil=True, **_OPTIONS)(function)


_F: Any = np.float32
_ONE, _HALF, _ZERO = _F(1), _F(0.5), _F(0)
# Below every score; not minus infinity, which `fastmath` may take for anything.
_LOWEST = _F(-1e30)


@njit(inline="always", **_OPTIONS)
def _exp(x: Any) -> Any:
    """The exponential to within 2e-6 of its value, in instructions a vector unit has; below -87 it is as good as 0."""
    x = min(max(x, _F(-87.0)), _F(88.0))
    whole = np.floor(x * _F(1.44269504) + _HALF)
    rest = x - whole * _F(0.693147181)
    power = _F(0.5) + rest * (_F(0.16666667) + rest * (_F(0.04166667) + rest * _F(0.00833333)))
    power = _ONE + rest * (_ONE + rest * power)
    return power * float_of_bits(np.uint32(np.int32(whole) + np.int32(127)) << np.uint32(23))


def _largest(row: Any, count: Any) -> Any:
    """The largest of the first `count` numbers. For compiled code only."""
    raise NotImplementedError


@overload(_largest, inline="always")
def _largest_of(row: Any, count: Any) -> Any:  # noqa: ARG001
    return _largest_float if row.dtype == types.float32 else _largest_bits


def _largest_float(row: Any, count: Any) -> Any:
    top = row[0]
    for i in range(count):
        top = max(top, row[i])
    return top


def _largest_bits(row: Any, count: Any) -> Any:
    # Compared as integers, which vectorises eight times better.
    top = np.int32(-(2**15))
    for i in range(count):
        bits = np.int32(np.int16(row[i]))
        top = max(top, bits ^ ((bits >> np.int32(15)) & np.int32(0x7FFF)))
    return load(np.uint16(top ^ ((top >> np.int32(15)) & np.int32(0x7FFF))))


@_compiled
def _rms_norm(x: Any, weight: Any, eps: Any, wide: Any, rstd: Any) -> None:
    width = x.shape[1]
    for t in range(x.shape[0]):
        row, out = x[t], wide[t]
        total = _ZERO
        for i in range(width):
            value = load(row[i])
            total += value * value
        factor = _ONE / np.sqrt(total / _F(width) + eps)
        rstd[t] = factor
        for i in range(width):
            put(out, i, load(row[i]) * factor * weight[i])


@_compiled
def _rms_norm_backward(dy: Any, x: Any, weight: Any, rstd: Any, wide: Any) -> None:
    width = x.shape[1]
    for t in range(x.shape[0]):
        row, grad, out = x[t], dy[t], wide[t]
        total = _ZERO
        for i in range(width):
            total += load(grad[i]) * weight[i] * load(row[i])
        factor = rstd[t]
        mean = total * factor * factor / _F(width)
        for i in range(width):
            change = factor * (load(grad[i]) * weight[i] - load(row[i]) * mean)
            put(out, i, load(out[i]) + change)


@_compiled
def _swiglu(gate_up: Any, wide: Any) -> None:
    width = gate_up.shape[1] // 2
    for t in range(gate_up.shape[0]):
        gate, up, out = gate_up[t, :width], gate_up[t, width:], wide[t]
        for i in range(width):
            value = load(gate[i])
            put(out, i, value / (_ONE + _exp(-value)) * load(up[i]))


@_compiled
def _swiglu_backward(dy: Any, gate_up: Any, wide: Any) -> None:
    width = gate_up.shape[1] // 2
    for t in range(gate_up.shape[0]):
        gate, up, grad = gate_up[t, :width], gate_up[t, width:], dy[t]
        dgate, dup = wide[t, :width], wide[t, width : 2 * width]
        for i in range(width):
            value, change = load(gate[i]), load(grad[i])
            sigmoid = _ONE / (_ONE + _exp(-value))
            put(dup, i, change * value * sigmoid)
            slope = sigmoid * (_ONE + value * (_ONE - sigmoid))
            put(dgate, i, change * load(up[i]) * slope)


@njit(inline="always", **_OPTIONS)
def _turn(source: Any, cos: Any, sin: Any, sign: Any, target: Any) -> None:
    half = cos.shape[0]
    for i in range(half):
        first, second = load(source[i]), load(source[half + i])
        turn = sign * sin[i]
        put(target, i, first * cos[i] - second * turn)
        put(target, half + i, second * cos[i] + first * turn)


@_compiled
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


@_compiled
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


@_compiled
def _merge_heads(o: Any, inverse: Any, wide: Any) -> None:
    key_heads, rows, size = o.shape
    tokens = wide.shape[0]
    group = rows // tokens
    for t in range(tokens):
        for head in range(key_heads * group):
            a, r = head // group, t * group + head % group
            source, factor, target = o[a, r], inverse[a, r], wide[t, head * size : (head + 1) * size]
            for i in range(size):
                put(target, i, load(source[i]) * factor)


@_compiled
def _merge_heads_backward(dy: Any, inverse: Any, do: Any) -> None:
    key_heads, rows, size = do.shape
    tokens = dy.shape[0]
    group = rows // tokens
    for t in range(tokens):
        for head in range(key_heads * group):
            a, r = head // group, t * group + head % group
            source, factor, target = dy[t, head * size : (head + 1) * size], inverse[a, r], do[a, r]
            for i in range(size):
                put(target, i, load(source[i]) * factor)


@_compiled
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
                put(row, i, _LOWEST)
            reach = min((seen + 63) // 64 * 64, padded)
            top = _largest(row, reach)
            total = _ZERO
            for i in range(reach):
                value = _exp((load(row[i]) - top) * scale)
                total += value
                put(row, i, value)
            for i in range(seen, padded):
                put(row, i, _ZERO)
            inverse[head, r] = _ONE / total


@_compiled
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
                put(grad, i, _ZERO)
            reach = min((seen + 63) // 64 * 64, padded)
            mean = _ZERO
            for i in range(reach):
                mean += load(part[i]) * load(grad[i])
            mean *= inverse[head, r]
            for i in range(reach):
                put(grad, i, load(part[i]) * (load(grad[i]) - mean) * scale)


@_compiled
def _cross_entropy(logits: Any, labels: Any, scales: Any, stats: Any) -> None:
    for r in range(logits.shape[0]):
        row, label, scale = logits[r], labels[r], scales[r]
        top = _largest(row, row.shape[0])
        total, weighted = _ZERO, _ZERO
        for i in range(row.shape[0]):
            value = load(row[i]) - top
            weight = _exp(value)
            total += weight
            weighted += weight * value
        chosen = load(row[label]) - top
        log_total = np.log(total)
        stats[r, 0] = log_total - chosen
        stats[r, 1] = log_total - weighted / total
        stats[r, 2] = _ONE if chosen >= _ZERO else _ZERO
        factor = scale / total
        for i in range(row.shape[0]):
            put(row, i, _exp(load(row[i]) - top) * factor)
        put(row, label, (np.exp(chosen) / total - _ONE) * scale)


def _expose(compiled: Any) -> Callable[..., None]:
    """A compiled function that takes what its namesake takes: tensors, slices and numbers."""

    def call(*args: Any) -> None:
        plain: list[Any] = []
        for arg in args:
            if isinstance(arg, slice):
                plain += [arg.start, arg.stop]
            elif isinstance(arg, torch.Tensor):
                plain.append((arg.view(torch.uint16) if arg.dtype == torch.bfloat16 else arg).numpy())
            else:
                plain.append(_F(arg) if isinstance(arg, float) else arg)
        compiled(*plain)

    return call


rms_norm, rms_norm_backward = _expose(_rms_norm), _expose(_rms_norm_backward)
swiglu, swiglu_backward = _expose(_swiglu), _expose(_swiglu_backward)
split_heads, split_heads_backward = _expose(_split_heads), _expose(_split_heads_backward)
merge_heads, merge_heads_backward = _expose(_merge_heads), _expose(_merge_heads_backward)
exp_rows, exp_rows_backward = _expose(_exp_rows), _expose(_exp_rows_backward)
cross_entropy = _expose(_cross_entropy)
