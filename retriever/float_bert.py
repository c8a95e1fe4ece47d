"""A BERT encoder in float32 and numpy, text by text: the plain form that the fast one is prepared from and checked by.

Reads a folder's weights, and says why where the model is not one that `fast_bert.py` can run. Knows no tokenizer.
"""

import json
import math
import mmap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retriever.model_folder import ModelFolder

_KINDS = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_TEXT = {"method": "forward", "method_output_name": "last_hidden_state"}
# What the first part's settings may say; anything else changes what is computed.
_FIRST = {
    "transformer_task": "feature-extraction",
    "modality_config": {"text": _TEXT},
    "module_output_name": "token_embeddings",
}
_SENTENCE = "sentence_embedding"
_POOLING = {"include_prompt": True}

Observe = Callable[[int, np.ndarray], None]


class Unfit(Exception):  # noqa: N818  an answer rather than an error
    """The fast encoder cannot run this model; the message says why. Never reaches a user: another way is taken."""


class FloatBert:
    """The encoder's weights and its forward pass. Raises Unfit."""

    def __init__(self, folder: ModelFolder) -> None:
        _check(folder)
        config = folder.config
        self.hidden, self.inner = int(config["hidden_size"]), int(config["intermediate_size"])
        self.layers, self.heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self.head_size = self.hidden // self.heads
        self.eps = float(config.get("layer_norm_eps", 1e-12))
        self.first_token = folder.parts[1].settings.get("pooling_mode") == "cls"
        self._tensors = _read_tensors(folder.first.folder / "model.safetensors")
        self.words = self.tensor("embeddings.word_embeddings.weight")
        types = self.tensor("embeddings.token_type_embeddings.weight")
        self.places = self.tensor("embeddings.position_embeddings.weight") + types[0]
        if folder.max_tokens > len(self.places):
            raise Unfit(f"reads {folder.max_tokens} tokens, but knows {len(self.places)} positions")

    def tensor(self, name: str) -> np.ndarray:
        """A weight in float32, by its name in the file."""
        for prefix in ("", "bert."):
            if prefix + name in self._tensors:
                return self._tensors[prefix + name]
        raise Unfit(f"no weight {name}")

    def linear(self, layer: int, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Weight [N, K] and bias [N] of a linear module of a layer."""
        start = f"encoder.layer.{layer}.{name}."
        return self.tensor(start + "weight"), self.tensor(start + "bias")

    def norms(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Gain and shift of all layer norms, in the order in which they are applied."""
        names = ["embeddings.LayerNorm"]
        for layer in range(self.layers):
            names += [f"encoder.layer.{layer}.{part}.LayerNorm" for part in ("attention.output", "output")]
        return [(self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias")) for name in names]

    def vectors(self, texts: Sequence[Sequence[int]], observe: Observe | None = None) -> np.ndarray:
        """Vectors of length 1 [texts, H]. `observe(norm, output)` sees what each layer norm gives, [tokens, H]."""
        pooled = [self._hidden(np.asarray(ids), observe or (lambda _norm, _output: None)) for ids in texts]
        rows = np.stack([hidden[0] if self.first_token else hidden.mean(axis=0) for hidden in pooled])
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

    def _hidden(self, ids: np.ndarray, observe: Observe) -> np.ndarray:
        norms = self.norms()
        x = self._norm(self.words[ids] + self.places[: len(ids)], *norms[0])
        observe(0, x)
        for layer in range(self.layers):
            parts = (self._heads(x, layer, name) for name in ("query", "key", "value"))
            mixed = self._attend(*parts).transpose(1, 0, 2).reshape(len(ids), self.hidden)
            x = self._norm(x + _apply(mixed, *self.linear(layer, "attention.output.dense")), *norms[2 * layer + 1])
            observe(2 * layer + 1, x)
            inner = _gelu(_apply(x, *self.linear(layer, "intermediate.dense")))
            x = self._norm(x + _apply(inner, *self.linear(layer, "output.dense")), *norms[2 * layer + 2])
            observe(2 * layer + 2, x)
        return x

    def _heads(self, x: np.ndarray, layer: int, name: str) -> np.ndarray:
        """Queries, keys or values [heads, tokens, head size]."""
        out = _apply(x, *self.linear(layer, f"attention.self.{name}"))
        return out.reshape(len(x), self.heads, self.head_size).transpose(1, 0, 2)

    def _attend(self, queries: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
        scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(self.head_size)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return (shares / shares.sum(axis=-1, keepdims=True)) @ values

    def _norm(self, x: np.ndarray, gain: np.ndarray, shift: np.ndarray) -> np.ndarray:
        rest = x - x.mean(axis=-1, keepdims=True)
        return rest / np.sqrt((rest * rest).mean(axis=-1, keepdims=True) + np.float32(self.eps)) * gain + shift


def _apply(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x @ weight.T + bias


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * (np.float32(0.5) + np.float32(0.5) * _erf(x / np.float32(math.sqrt(2))))


def _erf(x: np.ndarray) -> np.ndarray:
    """The error function within 2e-7 (Abramowitz and Stegun 7.1.26); numpy has none."""
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    series = t * np.float32(1.061405429)
    for number in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = t * (np.float32(number) + series)
    return np.sign(x) * (1 - series * np.exp(-x * x))


# Which models --------------------------------------------------------------------------------------------------------


def _check(folder: ModelFolder) -> None:
    """Raises Unfit unless the folder holds a plain BERT with mean or first-token pooling."""
    kinds = [part.kind for part in folder.parts]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise Unfit(f"parts {', '.join(kinds)}")
    config = folder.config
    wanted = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
    defaults = {"hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
    for key, value in wanted.items():
        if config.get(key, defaults.get(key)) != value:
            raise Unfit(f"{key} {config.get(key)}")
    try:
        hidden, inner, heads = (config[key] for key in ("hidden_size", "intermediate_size", "num_attention_heads"))
        sizes = (hidden % 64, inner % 64, hidden % heads, hidden // heads % 32, config["num_hidden_layers"] < 1)
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise Unfit(f"config.json lacks {error}") from error
    if any(sizes):
        raise Unfit(f"sizes {hidden}, {inner}, {heads} heads")
    _check_settings(folder)
    _check_tokenizer(folder)


def _check_settings(folder: ModelFolder) -> None:
    free = {"max_seq_length", "do_lower_case"}
    _allow(folder.first.settings, _FIRST, free)
    pooling = folder.parts[1].settings
    _allow(pooling, _POOLING, {"embedding_dimension", "pooling_mode"})
    if pooling.get("pooling_mode", "mean") not in ("mean", "cls"):
        raise Unfit(f"pooling {pooling['pooling_mode']}")
    for part in folder.parts[2:]:
        _allow(part.settings, {"module_input_name": _SENTENCE, "module_output_name": _SENTENCE}, set())


def _allow(settings: Mapping[str, Any], values: Mapping[str, Any], free: set[str]) -> None:
    for key, value in settings.items():
        if key not in free and value and value != values.get(key):
            raise Unfit(f"setting {key}")
        if key in values and value != values[key]:
            raise Unfit(f"setting {key}")


def _check_tokenizer(folder: ModelFolder) -> None:
    """Transformers builds a BERT tokenizer from tokenizer_config.json; tokenizer.json must say the same."""
    try:
        tokenizer = json.loads(folder.tokenizer_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unfit("no readable tokenizer.json") from error
    config = folder.tokenizer_config
    expected = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": config.get("tokenize_chinese_chars", True),
        "strip_accents": config.get("strip_accents"),
        "lowercase": config.get("do_lower_case", True),
    }
    found = (tokenizer.get("normalizer"), tokenizer.get("pre_tokenizer"), tokenizer.get("model", {}).get("type"))
    if found != (expected, {"type": "BertPreTokenizer"}, "WordPiece"):
        raise Unfit("tokenizer.json and tokenizer_config.json differ")


def _read_tensors(file: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file in float32; those kept in float32 stay on the disk until they are used."""
    try:
        with file.open("rb") as handle:
            memory = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        start = 8 + int.from_bytes(memory[:8], "little")
        entries = json.loads(memory[8:start])
        entries.pop("__metadata__", None)
        return {name: _tensor(memory, start, entry) for name, entry in entries.items() if entry["dtype"] in _KINDS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unfit(f"weights: {error}") from error


def _tensor(memory: mmap.mmap, start: int, entry: dict[str, Any]) -> np.ndarray:
    first, last = entry["data_offsets"]
    kind = np.dtype(_KINDS[entry["dtype"]])
    raw = np.frombuffer(memory, kind, (last - first) // kind.itemsize, start + first).reshape(entry["shape"])
    if entry["dtype"] == "BF16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32, copy=False)
