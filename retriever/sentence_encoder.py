"""Sentence vectors by sentence-transformers itself: for any model it knows, on a GPU or a CPU.

Batches are cut by tokens and sorted by length, so that little of a batch is padding. Takes token ids, like
retriever/packed_bert.py.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retriever.embedder_folder import EmbedderFolder

if TYPE_CHECKING:
    import torch

# Tokens per forward pass: measured optimum on 2 cores; a GPU wants far more.
_CPU_TOKENS = 2048
_GPU_TOKENS = 65536


class SentenceEncoder:
    """The loaded model. Raises what sentence-transformers raises."""

    def __init__(self, folder: EmbedderFolder, batch_size: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = SentenceTransformer(
            str(folder.root), device=device, model_kwargs={"dtype": _dtype(device)}, trust_remote_code=False
        )
        self._model.eval()
        self._batch_size = batch_size if device == "cpu" else 16 * batch_size
        self._budget = _CPU_TOKENS if device == "cpu" else _GPU_TOKENS
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors of length 1, float32 [texts, width], of token ids with their special tokens."""
        import torch

        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        found: list[tuple[list[int], np.ndarray]] = []
        with self._lock, torch.inference_mode():
            at = 0
            while at < len(order):
                size = min(self._batch_size, max(1, self._budget // max(1, len(texts[order[at]]))))
                batch = order[at : at + size]
                at += size
                output = self._model(self._padded([texts[index] for index in batch]))["sentence_embedding"].float()
                found.append((batch, torch.nn.functional.normalize(output, dim=1).cpu().numpy()))
        vectors = np.empty((len(texts), found[0][1].shape[1]), dtype=np.float32)
        for batch, rows in found:
            vectors[batch] = rows
        return vectors

    def _padded(self, texts: Sequence[Sequence[int]]) -> "dict[str, torch.Tensor]":
        features: Any = self._model.tokenizer.pad({"input_ids": [list(ids) for ids in texts]}, return_tensors="pt")
        return {key: value.to(self._model.device) for key, value in features.items()}


def _dtype(device: str) -> Any:
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32
