"""Sentence vectors of a plain BERT on a CPU, without padding: the tokens of a batch stand in one row after another.

Linear layers and norms see rows of tokens; only attention knows where a text ends. Each core works on batches of its
own with one thread: no core waits for another at the end of every small operation, which matters where parsers want
the same cores. Weights are bf16 where the processor has instructions for it (cosine to fp32 above 0.9999 for MiniLM).
Knows no tokenizer.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from core.errors import ModelError
from retriever.embedder_folder import EmbedderFolder

if TYPE_CHECKING:
    import torch

# Tokens of one forward pass: small enough for the second-level cache, large enough for the matrix units.
_TOKENS = 1024


class _Layer(NamedTuple):
    qkv: tuple["torch.Tensor", "torch.Tensor"]
    out: tuple["torch.Tensor", "torch.Tensor"]
    out_norm: tuple["torch.Tensor", "torch.Tensor"]
    up: tuple["torch.Tensor", "torch.Tensor"]
    down: tuple["torch.Tensor", "torch.Tensor"]
    down_norm: tuple["torch.Tensor", "torch.Tensor"]


def is_plain_bert(folder: EmbedderFolder) -> bool:
    """Whether `PackedBert` computes what sentence-transformers would: BERT, mean of the tokens, nothing after it."""
    config, pooling = folder.config, folder.pooling
    means = not pooling or bool(pooling.get("pooling_mode_mean_tokens"))
    others = any(
        value for key, value in pooling.items() if key.startswith("pooling_mode_") and key != "pooling_mode_mean_tokens"
    )
    return (
        set(folder.modules) <= {"Transformer", "Pooling", "Normalize"}
        and config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and means
        and not others
        and folder.weights is not None
        and folder.weights.name == "model.safetensors"
    )


class PackedBert:
    """The loaded weights. `encode` may be called from several threads. Raises ModelError when weights are missing."""

    def __init__(self, folder: EmbedderFolder, dtype: "torch.dtype", cores: int) -> None:
        import torch

        self._heads = int(folder.config["num_attention_heads"])
        self._epsilon = float(folder.config.get("layer_norm_eps", 1e-12))
        self._dtype = dtype
        self._width = folder.dimension
        weights = _Weights(folder, dtype)
        self._words = weights["embeddings.word_embeddings.weight"]
        # The second kind of text is for pairs; here every token is of the first.
        self._places = (
            weights.exact("embeddings.position_embeddings.weight")
            + weights.exact("embeddings.token_type_embeddings.weight")[0]
        ).to(dtype)
        self._norm = weights.pair("embeddings.LayerNorm")
        layers = range(int(folder.config["num_hidden_layers"]))
        # Questions are scaled in their weights instead of at every score.
        scale = (self._width // self._heads) ** -0.5
        self._layers = [weights.layer(number, scale) for number in layers]
        # The number of threads is a setting of the thread that calls.
        self._pool = ThreadPoolExecutor(cores, "embed", initializer=torch.set_num_threads, initargs=(1,))

    def encode(self, texts: Sequence[Sequence[int]]) -> "np.ndarray":
        """Vectors of length 1, float32 [texts, width], of token ids with their special tokens."""
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        batches = list(_batches(texts, order))
        vectors = np.empty((len(texts), self._width), dtype=np.float32)
        work = [[texts[index] for index in batch] for batch in batches]
        for batch, found in zip(batches, self._pool.map(self._forward, work), strict=True):
            vectors[batch] = found
        return vectors

    def _forward(self, texts: Sequence[Sequence[int]]) -> "np.ndarray":
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            lengths = [len(text) for text in texts]
            words = torch.tensor([token for text in texts for token in text])
            places = torch.cat([torch.arange(length) for length in lengths])
            rows = self._normed(self._words[words] + self._places[places], self._norm)
            runs = _equal_runs(lengths)
            for layer in self._layers:
                context = self._attention(functional.linear(rows, *layer.qkv), runs)
                rows = self._normed(functional.linear(context, *layer.out) + rows, layer.out_norm)
                inner = functional.gelu(functional.linear(rows, *layer.up))
                rows = self._normed(functional.linear(inner, *layer.down) + rows, layer.down_norm)
            means = [
                rows[start : start + count * length].view(count, length, -1).float().mean(dim=1)
                for start, count, length in runs
            ]
            return functional.normalize(torch.cat(means), dim=1).numpy()

    def _attention(self, projected: "torch.Tensor", runs: Sequence[tuple[int, int, int]]) -> "torch.Tensor":
        import torch

        # Two matrix products and a softmax: at these sizes quicker than torch's fused attention for CPUs.
        context = torch.empty(len(projected), self._width, dtype=projected.dtype)
        for start, count, length in runs:
            rows = slice(start, start + count * length)
            heads = projected[rows].view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = heads.reshape(3, count * self._heads, length, -1)
            found = torch.bmm(torch.bmm(query, key.transpose(1, 2)).softmax(dim=-1), value)
            found = found.view(count, self._heads, length, -1).transpose(1, 2)
            context[rows] = found.reshape(count * length, -1)
        return context

    def _normed(self, rows: "torch.Tensor", norm: tuple["torch.Tensor", "torch.Tensor"]) -> "torch.Tensor":
        from torch.nn import functional

        return functional.layer_norm(rows, (self._width,), *norm, self._epsilon)


class _Weights:
    """Tensors of a safetensors file by their names in BERT, whatever prefix the file gives them."""

    def __init__(self, folder: EmbedderFolder, dtype: "torch.dtype") -> None:
        from safetensors.torch import load_file

        assert folder.weights is not None
        self._path, self._dtype = folder.weights, dtype
        self._tensors = {name.removeprefix("bert."): tensor for name, tensor in load_file(folder.weights).items()}

    def __getitem__(self, name: str) -> "torch.Tensor":
        return self.exact(name).to(self._dtype)

    def exact(self, name: str) -> "torch.Tensor":
        """A tensor as the file has it."""
        try:
            return self._tensors[name]
        except KeyError as error:
            raise ModelError(f"{self._path} has no tensor '{name}': give another folder with --embedder") from error

    def pair(self, name: str) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Weight and bias of a linear layer or a norm."""
        return self[f"{name}.weight"], self[f"{name}.bias"]

    def layer(self, number: int, scale: float) -> _Layer:
        """One layer, its three projections joined to one, the first times `scale`."""
        import torch

        prefix = f"encoder.layer.{number}"
        factors = {"query": scale, "key": 1.0, "value": 1.0}
        weight, bias = (
            torch.cat([self.exact(f"{prefix}.attention.self.{name}.{kind}") * by for name, by in factors.items()])
            for kind in ("weight", "bias")
        )
        joined = weight.to(self._dtype), bias.to(self._dtype)
        names = ("attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense")
        return _Layer(joined, *(self.pair(f"{prefix}.{name}") for name in (*names, "output.LayerNorm")))


def _batches(texts: Sequence[Sequence[Any]], order: Sequence[int]) -> "list[list[int]]":
    """Indexes in `order` cut into groups of about `_TOKENS` tokens."""
    groups: list[list[int]] = []
    room = 0
    for index in order:
        if not groups or len(texts[index]) > room:
            groups.append([])
            room = _TOKENS
        groups[-1].append(index)
        room -= len(texts[index])
    return groups


def _equal_runs(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Neighbours of equal length: first row, how many texts, their length."""
    runs = []
    start = 0
    for length, group in groupby(lengths):
        count = len(list(group))
        runs.append((start, count, length))
        start += count * length
    return runs
