"""Reranking with any sentence-transformers CrossEncoder: question and passage are read together. Knows no index."""

import threading
from collections.abc import Sequence
from typing import Any

from core.errors import ModelError


class CrossEncoderReranker:
    """A CrossEncoder by id or folder, loaded at the first question. May be used from several threads."""

    def __init__(self, model: str) -> None:
        self._name = model
        self._model: Any = None
        self._lock = threading.Lock()

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, 0 to 1. Raises ModelError when the model cannot be loaded."""
        import torch

        with self._lock:
            if self._model is None:
                self._model = self._load()
            found = self._model.predict(
                [(question, text) for text in texts], activation_fn=torch.nn.Sigmoid(), show_progress_bar=False
            )
        return [float(score) for score in found]

    def _load(self) -> Any:
        try:
            from sentence_transformers import CrossEncoder

            return CrossEncoder(self._name, num_labels=1, trust_remote_code=False)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"reranker '{self._name}' cannot be loaded ({reason}): set retrieve.reranker to a CrossEncoder's "
                "folder or Hugging Face id, or leave it out"
            ) from error
