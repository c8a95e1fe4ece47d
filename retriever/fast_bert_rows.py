"""The fast encoder's passes over one row of numbers, compiled by Numba. All arguments are addresses and numbers.

Each is one or two loops over whole vectors: what stands between two matrix products. Knows no layer and no layout.
"""

from typing import Any

import numpy as np
from numba import njit

from retriever.fast_bert_simd import (
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
    smaller,
    smallest,
    splat,
    store,
    store_bf16,
    store_codes,
    sub,
    total,
)

OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False}
WIDTH = 4 * LANES  # bytes of a vector
_F: Any = np.float32


def _fit_bump() -> tuple[float, ...]:
    """Coefficients of a polynomial for a * (1 - normal(a)) on 0 .. 5, lowest power first."""
    from math import erf

    a = 2.5 - 2.5 * np.cos(np.linspace(0, np.pi, 4001))
    bump = a * (0.5 - 0.5 * np.array([erf(value / np.sqrt(2)) for value in a]))
    fit: Any = np.polynomial.Chebyshev.fit(a, bump, 8, domain=[0, 5])
    return tuple(float(c) for c in fit.convert(kind=np.polynomial.Polynomial).coef)


_BUMP = _fit_bump()
_LEAST_GELU = -0.1702


@njit(inline="always", **OPTIONS)
def restored(sums: Any, scale: Any, offset: Any, bias: Any, step: Any, low: Any) -> Any:
    """The numbers of a linear layer's output from its integer sums; addresses, and two vectors."""
    return fma(mul(load_ints(sums), load(scale)), step, fma(low, load(offset), load(bias)))


@njit(inline="always", **OPTIONS)
def _write_codes(row: Any, codes: Any, count: Any, low: Any, high: Any) -> Any:
    """Bytes of a row whose numbers lie in low .. high; returns the step."""
    step = max(high - low, _F(1e-12)) * _F(1 / 254.99)
    factor, rounding = splat(_F(1) / step), splat(_F(0.5) - low / step)
    for i in range(0, count, LANES):
        store_codes(codes + i, fma(load(row + 4 * i), factor, rounding))
    return step


@njit(**OPTIONS)
def to_codes(row: Any, codes: Any, count: Any) -> Any:
    """Bytes of a row of numbers at its address; returns step and low."""
    low, high = load(row), load(row)
    for i in range(WIDTH, 4 * count, WIDTH):
        value = load(row + i)
        low, high = smaller(low, value), larger(high, value)
    least = smallest(low)
    return _write_codes(row, codes, count, least, largest(high)), least


@njit(**OPTIONS)
def norm_to_codes(x: Any, gain: Any, shift: Any, ease: Any, eps: Any, row: Any, codes: Any, count: Any) -> Any:
    """Layer norm in place, then bytes of its product with `ease`; addresses; returns step and low."""
    end = 4 * count
    sums = splat(_F(0))
    for i in range(0, end, WIDTH):
        sums = add(sums, load(x + i))
    mean = splat(total(sums) / _F(count))
    sums = splat(_F(0))
    for i in range(0, end, WIDTH):
        rest = sub(load(x + i), mean)
        sums = fma(rest, rest, sums)
    factor = splat(_F(1) / np.sqrt(total(sums) / _F(count) + eps))
    low, high = splat(_F(1e30)), splat(_F(-1e30))
    for i in range(0, end, WIDTH):
        value = fma(mul(sub(load(x + i), mean), factor), load(gain + i), load(shift + i))
        store(x + i, value)
        eased = mul(value, load(ease + i))
        store(row + i, eased)
        low, high = smaller(low, eased), larger(high, eased)
    least = smallest(low)
    return _write_codes(row, codes, count, least, largest(high)), least


@njit(inline="always", **OPTIONS)
def _gelu(x: Any) -> Any:
    """GELU of x within 2e-4: max(x, 0) less a bump that is nothing from 5 on."""
    a = smaller(absolute(x), splat(_F(5)))
    bump = splat(_F(_BUMP[8]))
    bump = fma(bump, a, splat(_F(_BUMP[7])))
    bump = fma(bump, a, splat(_F(_BUMP[6])))
    bump = fma(bump, a, splat(_F(_BUMP[5])))
    bump = fma(bump, a, splat(_F(_BUMP[4])))
    bump = fma(bump, a, splat(_F(_BUMP[3])))
    bump = fma(bump, a, splat(_F(_BUMP[2])))
    bump = fma(bump, a, splat(_F(_BUMP[1])))
    bump = fma(bump, a, splat(_F(_BUMP[0])))
    return sub(larger(x, splat(_F(0))), bump)


@njit(**OPTIONS)
def gelu_to_codes(
    sums: Any, scale: Any, offset: Any, bias: Any, step: Any, low: Any, row: Any, codes: Any, count: Any
) -> Any:
    """Bytes of gelu(a linear layer's output); addresses; returns step and low."""
    step, low = splat(step), splat(low)
    high = splat(_F(0))
    for i in range(0, 4 * count, WIDTH):
        value = _gelu(restored(sums + i, scale + i, offset + i, bias + i, step, low))
        store(row + i, value)
        high = larger(high, value)
    return _write_codes(row, codes, count, _F(_LEAST_GELU), largest(high)), _F(_LEAST_GELU)


@njit(**OPTIONS)
def to_shares(scores: Any, mask: Any, shares: Any, count: Any) -> Any:
    """Two to the power of scores [count] less the largest; addresses; returns what they are to be divided by."""
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
