"""How the fast encoder keeps a model and its scratch memory.

A linear layer: codes q with x = low + step * q give  y = scale * (step * sum(q * code) + low * sum(code)) + bias.
"""

from typing import Any, NamedTuple

import numpy as np

from retriever.fast_bert_simd import CODE_BYTES
from retriever.fast_bert_tiles import BF16_COLUMNS, ROWS

PADDING = 32  # keys of a text are padded to a multiple of this, in attention only
INPUT_CODES, WEIGHT_CODES = (np.uint8, np.int8) if CODE_BYTES == 1 else (np.uint16, np.int16)
TILE_ROWS = 16 * ROWS  # tokens that go through the wide layers together: their sums stay in the second cache


class Linear(NamedTuple):
    """One kind of linear layer [K inputs, N outputs] of all L encoder layers; see the module docstring."""

    codes: np.ndarray  # WEIGHT_CODES [L, N / CODE_COLUMNS, K / CODES_PER_STEP, CODE_COLUMNS, CODES_PER_STEP]
    scale: np.ndarray  # float32 [L, N]
    offset: np.ndarray  # float32 [L, N]: scale * sum(codes)
    bias: np.ndarray  # float32 [L, N]


class Weights(NamedTuple):
    """A model [V words, H wide, F wide inside]. `norm` 0 follows the embeddings, then two follow in each layer."""

    words: np.ndarray  # float32 [V, H]
    places: np.ndarray  # float32 [positions, H], token type 0 included
    gain: np.ndarray  # float32 [2 L + 1, H]
    shift: np.ndarray  # float32 [2 L + 1, H]
    ease: np.ndarray  # float32 [2 L + 1, H]: what a norm's output is multiplied by before it becomes codes
    mixing: Linear  # queries (times log2(e) / sqrt(head size)), keys and values: [H, 3 H]
    joining: Linear  # [H, H]
    rising: Linear  # [H, F]
    falling: Linear  # [F, H]


class Scratch(NamedTuple):
    """Memory of one thread for packs of at most T tokens, P when every text is padded."""

    hidden: np.ndarray  # float32 [T, H]
    context: np.ndarray  # float32 [T, H]
    codes: np.ndarray  # INPUT_CODES [T + ROWS, H]
    step: np.ndarray  # float32 [T]
    low: np.ndarray  # float32 [T]
    place: np.ndarray  # int64 [T]: where a token stands when every text is padded
    pads: np.ndarray  # int64 [P / PADDING + 1]: where a text begins then
    sums: np.ndarray  # int32 [(TILE_ROWS + ROWS) * max(3 H, F)]
    inner: np.ndarray  # INPUT_CODES [TILE_ROWS + ROWS, F]
    row: np.ndarray  # float32 [max(H, F)]
    queries: np.ndarray  # bfloat16 [P + ROWS, H]
    key_row: np.ndarray  # bfloat16 [H]
    key_pairs: np.ndarray  # uint32 [H / 2], the same memory
    keys: np.ndarray  # uint32 [P / BF16_COLUMNS, H / 2, BF16_COLUMNS]: pairs of a key's numbers
    values: np.ndarray  # uint32 [P / 2, H]: pairs of tokens
    mask: np.ndarray  # float32 [longest text, padded]
    scores: np.ndarray  # float32 [ROWS, longest text, padded]
    shares: np.ndarray  # bfloat16 [ROWS, longest text, padded]
    mixed: np.ndarray  # float32 [ROWS, H]


def make_scratch(hidden: int, inner: int, tokens: int) -> Scratch:
    """Memory for packs of `tokens` tokens when every text is padded (a multiple of PADDING)."""
    key_row = aligned((hidden,), np.uint16)
    return Scratch(
        hidden=aligned((tokens, hidden), np.float32),
        context=aligned((tokens, hidden), np.float32),
        codes=aligned((tokens + ROWS, hidden), INPUT_CODES),
        step=aligned((tokens,), np.float32),
        low=aligned((tokens,), np.float32),
        place=aligned((tokens,), np.int64),
        pads=aligned((tokens // PADDING + 1,), np.int64),
        sums=aligned(((TILE_ROWS + ROWS) * max(3 * hidden, inner),), np.int32),
        inner=aligned((TILE_ROWS + ROWS, inner), INPUT_CODES),
        row=aligned((max(hidden, inner),), np.float32),
        queries=aligned((tokens + ROWS, hidden), np.uint16),
        key_row=key_row,
        key_pairs=key_row.view(np.uint32),
        keys=aligned((tokens // BF16_COLUMNS, hidden // 2, BF16_COLUMNS), np.uint32),
        values=aligned((tokens // 2, hidden), np.uint32),
        mask=aligned((tokens,), np.float32),
        scores=aligned((ROWS, tokens), np.float32),
        shares=aligned((ROWS, tokens), np.uint16),
        mixed=aligned((ROWS, hidden), np.float32),
    )


def aligned(shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """Zeros that begin at a cache line."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(kind).reshape(shape)
