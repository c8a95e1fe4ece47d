"""Reranking with a cross-encoder, which reads question and passage together. Knows no index and no ranking."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import ModelError
from retriever.reranker_fingerprint import reranker_fingerprint

_TOGETHER = 16  # pairs in a forward pass on a CPU; a GPU takes them all


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder, an id or a folder; loaded when it is first used. For several threads."""

    def __init__(self, model: str | Path) -> None:
        self.name = str(model)
        self._lock = threading.Lock()
        self._model: Any = None
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str | None:
        """Hash of the folder that is scored with, also after another training has replaced it; None for an id."""
        with self._lock:
            return self._read_fingerprint() if self._model is None else self._fingerprint

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, 0 to 1. Raises ModelError."""
        if not texts:
            return []
        with self._lock:
            if self._model is None:
                self._fingerprint = self._read_fingerprint()
                self._model = _load(self.name)
            pairs = [(question, text) for text in texts]
            size = len(pairs) if self._model.device.type == "cuda" else _TOGETHER
            # Sorts by length itself, and cuts what is too long for the model.
            found = self._model.predict(pairs, batch_size=size, show_progress_bar=False)
        return [float(score) for score in found]

    def _read_fingerprint(self) -> str | None:
        folder = Path(self.name)
        try:
            return reranker_fingerprint(folder) if folder.is_dir() else None
        except OSError as error:
            raise _unloadable(self.name, error) from error


def _load(name: str) -> Any:
    import torch

    try:
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        # 0 to 1 whatever the model was trained with, so that scores can be compared and shown.
        model = CrossEncoder(name, device=device, activation_fn=torch.nn.Sigmoid(), trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise _unloadable(name, error) from error
    if model.num_labels != 1:
        raise ModelError(
            f"reranker '{name}' gives {model.num_labels} figures for a pair, not one: choose a cross-encoder that was "
            "trained for ranking"
        )
    model.eval()
    return model


def _unloadable(name: str, error: Exception) -> ModelError:
    return ModelError(
        f"reranker '{name}' cannot be loaded ({' '.join(str(error).split())[:200]}): set retrieve.reranker to a "
        "sentence-transformers CrossEncoder id or folder, or to null"
    )
