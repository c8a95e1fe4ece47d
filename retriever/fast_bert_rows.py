"""The fast encoder's passes over one row of numbers, compiled by Numba: what stands between two matrix products.

Rows are given by their addresses, alone or as tuples; a tuple of arrays would take longer to pass than a row to work
on. `scales` are the addresses of a linear layer's scale, offset and bias, `norm` those of gain, shift and ease (see
`fast_bert_layout.py`). Counts are multiples of 64. Knows no layer.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from retriever.fast_bert_simd import (
    CODE_BYTES,
    LANES,
    absolute,
    add,
    exp2,
    fma,
    larger,
    largest,
    load,
    load_ints,
    mul,
    root,
    smaller,
    smallest,
    splat,
    store,
    store_bf16,
    store_codes,
    store_even,
    store_odd,
    sub,
    total,
)

OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False}
WIDTH = 4 * LANES  # bytes of a vector
_F: Any = np.float32
_BUMP_END = 4.0


def _fit_bump() -> tuple[float, ...]:
    """Coefficients of a polynomial for a * (1 - normal(a)) on 0 .. 4, lowest power first."""
    half = _BUMP_END / 2
    a = half - half * np.cos(np.linspace(0, np.pi, 4001))
    bump = a * (0.5 - 0.5 * np.array([math.erf(value / math.sqrt(2)) for value in a]))
    fit: Any = np.polynomial.Chebyshev.fit(a, bump, 7, domain=[0, _BUMP_END])
    return tuple(float(c) for c in fit.convert(kind=np.polynomial.Polynomial).coef)


_BUMP = _fit_bump()
_LEAST_GELU = -0.1702


@njit(inline="always", **OPTIONS)
def restored(sums: Any, scales: Any, i: Any, step: Any, low: Any) -> Any:
    """A vector of a linear layer's output, `i` bytes into the row, from the integer sums."""
    scale, offset, bias = scales
    return fma(mul(load_ints(sums + i), load(scale + i)), step, fma(low, load(offset + i), load(bias + i)))


@njit(inline="always", **OPTIONS)
def _write_codes(row: Any, codes: Any, count: Any, low: Any, high: Any) -> Any:
    """Codes of a row whose numbers lie in low .. high; returns the step."""
    step = max(high - low, _F(1e-12)) * _F(1 / 254.99)
    factor, rounding = splat(_F(1) / step), splat(_F(0.5) - low / step)
    for i in range(0, count, LANES):
        store_codes(codes + CODE_BYTES * i, fma(load(row + 4 * i), factor, rounding))
    return step


@njit(**OPTIONS)
def to_codes(row: Any, codes: Any, count: Any) -> Any:
    """Codes of a row of numbers; returns step and low."""
    low, high = load(row), load(row)
    for i in range(WIDTH, 4 * count, WIDTH):
        value = load(row + i)
        low, high = smaller(low, value), larger(high, value)
    least = smallest(low)
    return _write_codes(row, codes, count, least, largest(high)), least


@njit(inline="always", **OPTIONS)
def _norm_to_codes(x: Any, sums: Any, norm: Any, eps: Any, row: Any, codes: Any, count: Any) -> Any:
    """Layer norm of `x` in place, whose sum is known, then codes of its product with `ease`; returns step and low."""
    gain, shift, ease = norm
    end = 4 * count
    mean = splat(total(sums) / _F(count))
    # Two sums, because one would wait for itself at every step.
    first = second = splat(_F(0))
    for i in range(0, end, 2 * WIDTH):
        rest, other = sub(load(x + i), mean), sub(load(x + i + WIDTH), mean)
        first, second = fma(rest, rest, first), fma(other, other, second)
    factor = splat(_F(1) / root(total(add(first, second)) / _F(count) + eps))
    low, high = splat(_F(1e30)), splat(_F(-1e30))
    for i in range(0, end, WIDTH):
        value = fma(mul(sub(load(x + i), mean), factor), load(gain + i), load(shift + i))
        store(x + i, value)
        eased = mul(value, load(ease + i))
        store(row + i, eased)
        low, high = smaller(low, eased), larger(high, eased)
    least = smallest(low)
    return _write_codes(row, codes, count, least, largest(high)), least


@njit(**OPTIONS)
def embed_to_codes(x: Any, word: Any, place: Any, norm: Any, eps: Any, row: Any, codes: Any, count: Any) -> Any:
    """The norm of word and place into `x`, then codes; returns step and low."""
    sums = splat(_F(0))
    for i in range(0, 4 * count, WIDTH):
        value = add(load(word + i), load(place + i))
        store(x + i, value)
        sums = add(sums, value)
    return _norm_to_codes(x, sums, norm, eps, row, codes, count)


@njit(**OPTIONS)
def add_to_codes(
    x: Any, sums: Any, scales: Any, step: Any, low: Any, norm: Any, eps: Any, row: Any, codes: Any, count: Any
) -> Any:
    """The norm of `x` and a linear layer's output into `x`, then codes; returns step and low."""
    steps, lows = splat(step), splat(low)
    added = splat(_F(0))
    for i in range(0, 4 * count, WIDTH):
        value = add(load(x + i), restored(sums, scales, i, steps, lows))
        store(x + i, value)
        added = add(added, value)
    return _norm_to_codes(x, added, norm, eps, row, codes, count)


@njit(inline="always", **OPTIONS)
def _gelu(x: Any) -> Any:
    """GELU of x within 3e-4: max(x, 0) less a bump that is nothing from 4 on."""
    a = smaller(absolute(x), splat(_F(_BUMP_END)))
    bump = fma(splat(_F(_BUMP[7])), a, splat(_F(_BUMP[6])))
    bump = fma(bump, a, splat(_F(_BUMP[5])))
    bump = fma(bump, a, splat(_F(_BUMP[4])))
    bump = fma(bump, a, splat(_F(_BUMP[3])))
    bump = fma(bump, a, splat(_F(_BUMP[2])))
    bump = fma(bump, a, splat(_F(_BUMP[1])))
    bump = fma(bump, a, splat(_F(_BUMP[0])))
    return sub(larger(x, splat(_F(0))), bump)


@njit(**OPTIONS)
def gelu_to_codes(sums: Any, scales: Any, step: Any, low: Any, row: Any, codes: Any, count: Any) -> Any:
    """Codes of gelu(a linear layer's output); returns step and low."""
    steps, lows = splat(step), splat(low)
    high = splat(_F(0))
    for i in range(0, 4 * count, WIDTH):
        value = _gelu(restored(sums, scales, i, steps, lows))
        store(row + i, value)
        high = larger(high, value)
    return _write_codes(row, codes, count, _F(_LEAST_GELU), largest(high)), _F(_LEAST_GELU)


@njit(**OPTIONS)
def split(sums: Any, scales: Any, step: Any, low: Any, query: Any, key: Any, value: Any, odd: Any, count: Any) -> None:
    """The query and the key of one token as bfloat16, and its value as one half of the pair that it belongs to."""
    steps, lows = splat(step), splat(low)
    for i in range(0, 4 * count, WIDTH):
        store_bf16(query + i // 2, restored(sums, scales, i, steps, lows))
    keys, values = 4 * count, 8 * count
    for i in range(0, 4 * count, WIDTH):
        store_bf16(key + i // 2, restored(sums, scales, keys + i, steps, lows))
    if odd:
        for i in range(0, 4 * count, WIDTH):
            store_odd(value + i, restored(sums, scales, values + i, steps, lows))
    else:
        for i in range(0, 4 * count, WIDTH):
            store_even(value + i, restored(sums, scales, values + i, steps, lows))


@njit(**OPTIONS)
def to_shares(scores: Any, mask: Any, shares: Any, count: Any) -> Any:
    """Two to the power of scores less the largest, as bfloat16; returns what they are to be divided by."""
    top = splat(_F(-1e30))
    for i in range(0, 4 * count, WIDTH):
        top = larger(top, add(load(scores + i), load(mask + i)))
    top = splat(largest(top))
    sums = splat(_F(0))
    for i in range(0, 4 * count, WIDTH):
        share = exp2(sub(add(load(scores + i), load(mask + i)), top))
        sums = add(sums, share)
        store_bf16(shares + i // 2, share)
    return total(sums)
