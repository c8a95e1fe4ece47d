"""The forward pass of a BERT encoder in eight-bit integers, compiled by Numba: tokens in, pooled vectors out.

Activations are bytes with one scale and offset per token, weights bytes with one scale per output; between the
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
    gelu_to_codes,
    norm_to_codes,
    restored,
    to_codes,
    to_shares,
)
from retriever.fast_bert_simd import add, fma, load, mul, row_of, splat, store, store_bf16, store_even, store_odd, total
from retriever.fast_bert_tiles import BF16_COLUMNS, INT8_COLUMNS, ROWS, tile_bf16, tile_int8

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
    """Integer sums [rows, outputs] of bytes [rows, inputs] and codes; addresses. Rows are rounded up to ROWS."""
    # Columns outside: one panel of codes stays in the first cache while all rows pass by.
    for column in range(0, outputs, INT8_COLUMNS):
        panel = codes + column * inputs
        for row in range(0, rows, ROWS):
            place = out + 4 * (row * outputs + column)
            tile_int8(left + row * inputs, inputs, panel, 4 * INT8_COLUMNS, place, 4 * outputs, inputs // 4)


@njit(**OPTIONS)
def _split(sums: Any, place: Any, step: Any, low: Any, linear: Any, layer: Any, scratch: Any) -> None:
    """Queries, keys and values of one token from its integer sums, laid out for `_attend`."""
    hidden = scratch.hidden.shape[1]
    scale, offset = row_of(linear.scale, layer), row_of(linear.offset, layer)
    bias = row_of(linear.bias, layer)
    step, low = splat(step), splat(low)
    out = row_of(scratch.queries, place)
    for i in range(0, 4 * hidden, WIDTH):
        store_bf16(out + i // 2, restored(sums + i, scale + i, offset + i, bias + i, step, low))
    out, start = row_of(scratch.key_row, 0), 4 * hidden
    for i in range(0, 4 * hidden, WIDTH):
        j = start + i
        store_bf16(out + i // 2, restored(sums + j, scale + j, offset + j, bias + j, step, low))
    keys, column = scratch.keys[place // BF16_COLUMNS], place % BF16_COLUMNS
    for i in range(hidden // 2):
        keys[i, column] = scratch.key_pairs[i]
    out, start = row_of(scratch.values, place // 2), 8 * hidden
    if place % 2 == 0:
        for i in range(0, 4 * hidden, WIDTH):
            j = start + i
            store_even(out + i, restored(sums + j, scale + j, offset + j, bias + j, step, low))
    else:
        for i in range(0, 4 * hidden, WIDTH):
            j = start + i
            store_odd(out + i, restored(sums + j, scale + j, offset + j, bias + j, step, low))


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


@njit(**OPTIONS)
def _add_and_norm(weights: Any, linear: Any, layer: Any, norm: Any, t: Any, sums: Any, eps: Any, scratch: Any) -> None:
    """Token `t`: a linear layer's output from its sums is added to `hidden`, normed and turned into bytes."""
    hidden = scratch.hidden.shape[1]
    scale, offset = row_of(linear.scale, layer), row_of(linear.offset, layer)
    bias, x = row_of(linear.bias, layer), row_of(scratch.hidden, t)
    step, low = splat(scratch.step[t]), splat(scratch.low[t])
    for i in range(0, 4 * hidden, WIDTH):
        store(x + i, add(load(x + i), restored(sums + i, scale + i, offset + i, bias + i, step, low)))
    scratch.step[t], scratch.low[t] = norm_to_codes(
        x,
        row_of(weights.gain, norm),
        row_of(weights.shift, norm),
        row_of(weights.ease, norm),
        eps,
        row_of(scratch.row, 0),
        row_of(scratch.codes, t),
        hidden,
    )


@njit(**OPTIONS)
def _embed(ids: Any, starts: Any, weights: Any, eps: Any, scratch: Any) -> None:
    """Word and place of each token, normed, into `hidden` and `codes`; and where each would stand when padded."""
    hidden = scratch.hidden.shape[1]
    scratch.pads[0] = 0
    for text in range(starts.shape[0] - 1):
        first, last = starts[text], starts[text + 1]
        scratch.pads[text + 1] = scratch.pads[text] + (last - first + PADDING - 1) // PADDING * PADDING
        for t in range(first, last):
            scratch.place[t] = scratch.pads[text] + t - first
            x = row_of(scratch.hidden, t)
            word, place = row_of(weights.words, ids[t]), row_of(weights.places, t - first)
            for i in range(0, 4 * hidden, WIDTH):
                store(x + i, add(load(word + i), load(place + i)))
            scratch.step[t], scratch.low[t] = norm_to_codes(
                x,
                row_of(weights.gain, 0),
                row_of(weights.shift, 0),
                row_of(weights.ease, 0),
                eps,
                row_of(scratch.row, 0),
                row_of(scratch.codes, t),
                hidden,
            )


@njit(**OPTIONS)
def _attention(layer: Any, starts: Any, weights: Any, eps: Any, head_size: Any, scratch: Any) -> None:
    """The first half of a layer."""
    hidden, tokens = scratch.hidden.shape[1], starts[-1]
    sums = row_of(scratch.sums, 0)
    for first in range(0, tokens, TILE_ROWS):
        rows = min(TILE_ROWS, tokens - first)
        left = row_of(scratch.codes, first)
        _multiply(left, rows, hidden, row_of(weights.mixing.codes, layer), sums, 3 * hidden)
        for r in range(rows):
            t = first + r
            place = sums + 12 * r * hidden
            _split(place, scratch.place[t], scratch.step[t], scratch.low[t], weights.mixing, layer, scratch)
    for text in range(starts.shape[0] - 1):
        _attend(scratch, starts[text], starts[text + 1] - starts[text], scratch.pads[text], head_size)
    for t in range(tokens):
        row, codes = row_of(scratch.context, t), row_of(scratch.codes, t)
        scratch.step[t], scratch.low[t] = to_codes(row, codes, hidden)
    for first in range(0, tokens, TILE_ROWS):
        rows = min(TILE_ROWS, tokens - first)
        left = row_of(scratch.codes, first)
        _multiply(left, rows, hidden, row_of(weights.joining.codes, layer), sums, hidden)
        for r in range(rows):
            _add_and_norm(
                weights, weights.joining, layer, 2 * layer + 1, first + r, sums + 4 * r * hidden, eps, scratch
            )


@njit(**OPTIONS)
def _perceptron(layer: Any, tokens: Any, weights: Any, eps: Any, scratch: Any) -> None:
    """The second half of a layer."""
    hidden, wide = scratch.hidden.shape[1], scratch.inner.shape[1]
    sums = row_of(scratch.sums, 0)
    scale, offset = row_of(weights.rising.scale, layer), row_of(weights.rising.offset, layer)
    bias, row = row_of(weights.rising.bias, layer), row_of(scratch.row, 0)
    for first in range(0, tokens, TILE_ROWS):
        rows = min(TILE_ROWS, tokens - first)
        left = row_of(scratch.codes, first)
        _multiply(left, rows, hidden, row_of(weights.rising.codes, layer), sums, wide)
        for r in range(rows):
            t, place, codes = first + r, sums + 4 * r * wide, row_of(scratch.inner, r)
            scratch.step[t], scratch.low[t] = gelu_to_codes(
                place, scale, offset, bias, scratch.step[t], scratch.low[t], row, codes, wide
            )
        left = row_of(scratch.inner, 0)
        _multiply(left, rows, wide, row_of(weights.falling.codes, layer), sums, hidden)
        for r in range(rows):
            _add_and_norm(
                weights, weights.falling, layer, 2 * layer + 2, first + r, sums + 4 * r * hidden, eps, scratch
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
        factor = splat(_F(1) / max(np.sqrt(total(squares)), _F(1e-12)))
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
