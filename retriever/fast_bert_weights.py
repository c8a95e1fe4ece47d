"""Turns a float32 BERT into the codes that the compiled encoder reads. Needs a processor that can compile it."""

from collections.abc import Sequence

import numpy as np

from retriever.fast_bert_layout import WEIGHT_CODES, Linear, Weights, aligned
from retriever.fast_bert_tiles import CODE_COLUMNS, CODES_PER_STEP
from retriever.float_bert import FloatBert

# A linear module: weight [N, K], bias [N].
Pair = tuple[np.ndarray, np.ndarray]


def quantise(plain: FloatBert, peaks: np.ndarray) -> Weights:
    """The weights as codes; `peaks` [2 L + 1, H] is the largest size that the outputs of each layer norm reach."""
    layers = range(plain.layers)
    gains, shifts = zip(*plain.norms(), strict=True)
    ease = np.ones_like(peaks)
    mixing, rising = [], []
    for layer in layers:
        for module, norm, (weight, bias) in (
            (mixing, 2 * layer, _mixing(plain, layer)),
            (rising, 2 * layer + 1, plain.linear(layer, "intermediate.dense")),
        ):
            ease[norm] = _ease(peaks[norm], weight)
            module.append((weight / ease[norm], bias))
    return Weights(
        words=np.ascontiguousarray(plain.words),
        places=np.ascontiguousarray(plain.places),
        gain=np.stack(gains),
        shift=np.stack(shifts),
        ease=ease,
        mixing=_to_linear(mixing),
        joining=_to_linear([plain.linear(layer, "attention.output.dense") for layer in layers]),
        rising=_to_linear(rising),
        falling=_to_linear([plain.linear(layer, "output.dense") for layer in layers]),
    )


def _mixing(plain: FloatBert, layer: int) -> Pair:
    """Queries, keys and values as one module; scores come out scaled, for powers of two."""
    factors = (np.float32(np.log2(np.e) / np.sqrt(plain.head_size)), np.float32(1), np.float32(1))
    pairs = [plain.linear(layer, f"attention.self.{part}") for part in ("query", "key", "value")]
    weight, bias = zip(*((w * f, b * f) for (w, b), f in zip(pairs, factors, strict=True)), strict=True)
    return np.concatenate(weight), np.concatenate(bias)


def _ease(peaks: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Factors [K] of the inputs, by which weights are divided: large inputs get smaller, their weights larger.

    Half of the difficulty is left to each, as in SmoothQuant.
    """
    largest = np.abs(weight).max(axis=0)
    difficulty = np.sqrt(np.maximum(peaks, 1e-6) / np.maximum(largest, 1e-6))
    return (np.median(difficulty) / difficulty).astype(np.float32)


def _to_linear(pairs: Sequence[Pair]) -> Linear:
    (outputs, inputs), columns, depth = pairs[0][0].shape, CODE_COLUMNS, CODES_PER_STEP
    codes = aligned((len(pairs), outputs // columns, inputs // depth, columns, depth), WEIGHT_CODES)
    scale, offset, bias = (np.zeros((len(pairs), outputs), np.float32) for _ in range(3))
    for layer, (weight, addend) in enumerate(pairs):
        scale[layer] = np.maximum(np.abs(weight).max(axis=1), 1e-12) / 127
        whole = np.rint(weight / scale[layer][:, None]).astype(np.int8)
        codes[layer] = whole.reshape(outputs // columns, columns, inputs // depth, depth).transpose(0, 2, 1, 3)
        offset[layer] = scale[layer] * whole.sum(axis=1, dtype=np.int32)
        bias[layer] = addend
    return Linear(codes, scale, offset, bias)
