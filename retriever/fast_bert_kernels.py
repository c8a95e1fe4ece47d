"""The forward pass of a BERT encoder in eight-bit integers, compiled by Numba: tokens in, pooled vectors out.

Activations are codes with one scale and offset per token, weights codes with one scale per output; between the
products everything is float32, inside attention bfloat16. Texts stand one behind the other without padding, and a
text's vector does not depend, bit for bit, on the texts beside it. Runs on one thread, without the interpreter's lock.
Knows no tokenizer and no file. Compiling takes some seconds, once per machine.
"""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from retriever.fast_bert_layout import PADDING, TILE_ROWS
from retriever.fast_bert_rows import (
    OPTIONS,
    WIDTH,
    add_to_codes,
    embed_to_codes,
    gelu_to_codes,
    split,
    to_codes,
    to_shares,
)
from retriever.fast_bert_simd import CODE_BYTES, add, fma, load, mul, root, row_of, splat, store, total
from retriever.fast_bert_tiles import BF16_COLUMNS, CODE_COLUMNS, CODES_PER_STEP, ROWS, tile_bf16, tile_codes

_F: Any = np.float32


def _cached(function: Any) -> Any:
    """Compile without the interpreter's lock; kept on disk where a folder for that can be written."""
    # Numba notices changes in this file only, so the name under which it keeps the code speaks for the others.
    sources = sorted(Path(__file__).parent.glob("fast_bert_*.py"))
    function.__qualname__ += f"_{zlib.crc32(b''.join(path.read_bytes() for path in sources)):08x}"
    try:
        return njit(nogil=True, cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(nogil=True, **OPTIONS)(function)


# Products ------------------------------------------------------------------------------------------------------------


@njit(**OPTIONS)
def _multiply(left: Any, rows: Any, inputs: Any, codes: Any, out: Any, outputs: Any) -> None:
    """Integer sums [rows, outputs] of codes [rows, inputs] and a layer's; addresses. Rows are rounded up to ROWS."""
    size, steps = CODE_BYTES * inputs, inputs // CODES_PER_STEP
    # Columns outside: one panel of codes stays in the first cache while all rows pass by.
    for column in range(0, outputs, CODE_COLUMNS):
        panel = codes + column * size
        for row in range(0, rows, ROWS):
            place = out + 4 * (row * outputs + column)
            tile_codes(left + row * size, size, panel, 4 * CODE_COLUMNS, place, 4 * outputs, steps)


@njit(**OPTIONS)
def _spread(pairs: Any, keys: Any, column: Any) -> None:
    """Pairs of numbers [H / 2] of one key into its column of `keys` [H / 2, BF16_COLUMNS]."""
    for i in range(pairs.shape[0]):
        keys[i, column] = pairs[i]


@njit(**OPTIONS)
def _attend(scratch: Any, first: Any, length: Any, pad: Any, head_size: Any) -> None:
    """Attention of one text, `length` tokens from `first` (from `pad` when padded), into `context`."""
    hidden = scratch.hidden.shape[1]
    reach = (length + PADDING - 1) // PADDING * PADDING
    scratch.mask[:length] = _F(0)
    scratch.mask[length:reach] = _F(-1e30)
    mask, stride = row_of(scratch.mask, 0), scratch.scores.shape[1]
    scores, shares, mixed = row_of(scratch.scores, 0), row_of(scratch.shares, 0), row_of(scratch.mixed, 0)
    for head in range(0, hidden, head_size):
        queries = row_of(scratch.queries, pad) + 2 * head
        keys = row_of(scratch.keys, pad // BF16_COLUMNS) + 2 * head * BF16_COLUMNS
        values = row_of(scratch.values, pad // 2) + 4 * head
        for row in range(0, length, ROWS):
            left = queries + 2 * row * hidden
            for column in range(0, reach, BF16_COLUMNS):
                panel = keys + 2 * column * hidden
                tile_bf16(left, 2 * hidden, panel, 4 * BF16_COLUMNS, scores + 4 * column, 4 * stride, head_size // 2)
            rows = min(ROWS, length - row)
            for r in range(rows):
                share = to_shares(scores + 4 * r * stride, mask, shares + 2 * r * stride, reach)
                scratch.row[r] = _F(1) / share
            for column in range(0, head_size, BF16_COLUMNS):
                place = mixed + 4 * column
                tile_bf16(shares, 2 * stride, values + 4 * column, 4 * hidden, place, 4 * hidden, reach // 2)
            for r in range(rows):
                factor, out = splat(scratch.row[r]), row_of(scratch.context, first + row + r) + 4 * head
                for i in range(0, 4 * head_size, WIDTH):
                    store(out + i, mul(load(mixed + 4 * r * hidden + i), factor))


# Layers --------------------------------------------------------------------------------------------------------------


@njit(inline="always", **OPTIONS)
def _scales(linear: Any, layer: Any) -> Any:
    return row_of(linear.scale, layer), row_of(linear.offset, layer), row_of(linear.bias, layer)


@njit(inline="always", **OPTIONS)
def _norm(weights: Any, norm: Any) -> Any:
    return row_of(weights.gain, norm), row_of(weights.shift, norm), row_of(weights.ease, norm)


@njit(**OPTIONS)
def _embed(ids: Any, starts: Any, weights: Any, eps: Any, scratch: Any) -> None:
    """Word and place of each token, normed, into `hidden` and `codes`; and where each would stand when padded."""
    hidden, norm, row = scratch.hidden.shape[1], _norm(weights, 0), row_of(scratch.row, 0)
    scratch.pads[0] = 0
    for text in range(starts.shape[0] - 1):
        first, last = starts[text], starts[text + 1]
        scratch.pads[text + 1] = scratch.pads[text] + (last - first + PADDING - 1) // PADDING * PADDING
        for t in range(first, last):
            scratch.place[t] = scratch.pads[text] + t - first
            x, codes = row_of(scratch.hidden, t), row_of(scratch.codes, t)
            word, place = row_of(weights.words, ids[t]), row_of(weights.places, t - first)
            scratch.step[t], scratch.low[t] = embed_to_codes(x, word, place, norm, eps, row, codes, hidden)


@njit(**OPTIONS)
def _attention(layer: Any, starts: Any, weights: Any, eps: Any, head_size: Any, scratch: Any) -> None:
    """The first half of a layer."""
    hidden, tokens = scratch.hidden.shape[1], starts[-1]
    sums, key = row_of(scratch.sums, 0), row_of(scratch.key_row, 0)
    scales = _scales(weights.mixing, layer)
    for first in range(0, tokens, TILE_ROWS):
        rows = min(TILE_ROWS, tokens - first)
        left = row_of(scratch.codes, first)
        _multiply(left, rows, hidden, row_of(weights.mixing.codes, layer), sums, 3 * hidden)
        for t in range(first, first + rows):
            found, place = sums + 12 * (t - first) * hidden, scratch.place[t]
            query, value = row_of(scratch.queries, place), row_of(scratch.values, place // 2)
            split(found, scales, scratch.step[t], scratch.low[t], query, key, value, place % 2 == 1, hidden)
            _spread(scratch.key_pairs, scratch.keys[place // BF16_COLUMNS], place % BF16_COLUMNS)
    for text in range(starts.shape[0] - 1):
        _attend(scratch, starts[text], starts[text + 1] - starts[text], scratch.pads[text], head_size)
    for t in range(tokens):
        row, codes = row_of(scratch.context, t), row_of(scratch.codes, t)
        scratch.step[t], scratch.low[t] = to_codes(row, codes, hidden)
    for first in range(0, tokens, TILE_ROWS):
        rows = min(TILE_ROWS, tokens - first)
        left = row_of(scratch.codes, first)
        _multiply(left, rows, hidden, row_of(weights.joining.codes, layer), sums, hidden)
        _add(weights, weights.joining, layer, 2 * layer + 1, first, rows, eps, scratch)


@njit(**OPTIONS)
def _perceptron(layer: Any, tokens: Any, weights: Any, eps: Any, scratch: Any) -> None:
    """The second half of a layer."""
    hidden, wide = scratch.hidden.shape[1], scratch.inner.shape[1]
    sums, row, scales = row_of(scratch.sums, 0), row_of(scratch.row, 0), _scales(weights.rising, layer)
    for first in range(0, tokens, TILE_ROWS):
        rows = min(TILE_ROWS, tokens - first)
        left = row_of(scratch.codes, first)
        _multiply(left, rows, hidden, row_of(weights.rising.codes, layer), sums, wide)
        for t in range(first, first + rows):
            found, codes = sums + 4 * (t - first) * wide, row_of(scratch.inner, t - first)
            scratch.step[t], scratch.low[t] = gelu_to_codes(
                found, scales, scratch.step[t], scratch.low[t], row, codes, wide
            )
        left = row_of(scratch.inner, 0)
        _multiply(left, rows, wide, row_of(weights.falling.codes, layer), sums, hidden)
        _add(weights, weights.falling, layer, 2 * layer + 2, first, rows, eps, scratch)


@njit(**OPTIONS)
def _add(weights: Any, linear: Any, layer: Any, norm: Any, first: Any, rows: Any, eps: Any, scratch: Any) -> None:
    """A linear layer's output from `sums` is added to `rows` tokens, normed, and turned into codes."""
    hidden, row, sums = scratch.hidden.shape[1], row_of(scratch.row, 0), row_of(scratch.sums, 0)
    scales, norms = _scales(linear, layer), _norm(weights, norm)
    for t in range(first, first + rows):
        x, found, codes = row_of(scratch.hidden, t), sums + 4 * (t - first) * hidden, row_of(scratch.codes, t)
        scratch.step[t], scratch.low[t] = add_to_codes(
            x, found, scales, scratch.step[t], scratch.low[t], norms, eps, row, codes, hidden
        )


@njit(**OPTIONS)
def _pool(starts: Any, first_token: Any, scratch: Any, result: Any) -> None:
    """The mean of each text's tokens, or its first token, at length 1."""
    hidden = scratch.hidden.shape[1]
    for text in range(starts.shape[0] - 1):
        out = row_of(result, text)
        last = starts[text] + 1 if first_token else starts[text + 1]
        for i in range(0, 4 * hidden, WIDTH):
            sums = splat(_F(0))
            for t in range(starts[text], last):
                sums = add(sums, load(row_of(scratch.hidden, t) + i))
            store(out + i, sums)
        squares = splat(_F(0))
        for i in range(0, 4 * hidden, WIDTH):
            squares = fma(load(out + i), load(out + i), squares)
        factor = splat(_F(1) / max(root(total(squares)), _F(1e-12)))
        for i in range(0, 4 * hidden, WIDTH):
            store(out + i, mul(load(out + i), factor))


@_cached
def encode(
    ids: Any, starts: Any, weights: Any, eps: Any, head_size: Any, first_token: Any, scratch: Any, result: Any
) -> None:
    """Vectors of length 1 into `result` [texts, H] of the texts `ids[starts[i] : starts[i + 1]]`, special tokens in.

    `ids` int32 [tokens], `starts` int64 [texts + 1]; no text may be empty; they must fit `scratch` and the positions.
    `first_token` pools by the first token instead of the mean.
    """
    _embed(ids, starts, weights, eps, scratch)
    for layer in range(weights.mixing.codes.shape[0]):
        _attention(layer, starts, weights, eps, head_size, scratch)
        _perceptron(layer, starts[-1], weights, eps, scratch)
    _pool(starts, first_token, scratch, result)
