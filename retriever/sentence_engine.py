"""The general way to embed: any model that sentence-transformers can run, on a GPU where there is one. Loads slowly."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from core.errors import ModelError
from retriever.model_folder import ModelFolder

_GPU_TOKENS = 65536


class SentenceEngine:
    """A loaded sentence-transformers model; on hardware with bfloat16 instructions its weights are bfloat16."""

    def __init__(self, folder: ModelFolder, batch_size: int) -> None:
        """Load the model. Raises ModelError."""
        import torch

        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()
            device = "cuda" if torch.cuda.is_available() else "cpu"
            self._model = SentenceTransformer(
                str(folder.root), device=device, model_kwargs={"dtype": _dtype(device)}, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"embedder '{folder.root}' cannot be loaded ({reason}): give a sentence-transformers folder or Hugging "
                "Face id with --embedder, or 'packaged'"
            ) from error
        self._model.eval()
        # A GPU wants many tokens at once; sentence-transformers cuts by texts.
        self._batch_size = max(batch_size, _GPU_TOKENS // folder.max_tokens) if device == "cuda" else batch_size
        self._folder, self._lock = folder, Lock()

    def embed(self, texts: Sequence[str], *, query: bool) -> np.ndarray:
        """Vectors of length 1, float32 [texts, dimension], with the prompt of questions or of passages."""
        # An empty prompt is passed as well: else sentence-transformers takes its default one.
        prompt = self._folder.query_prompt if query else self._folder.document_prompt
        encode = self._model.encode_query if query else self._model.encode_document
        with self._lock:
            found: Any = encode(list(texts), prompt=prompt, batch_size=self._batch_size, show_progress_bar=False)
        vectors = np.asarray(found, dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _dtype(device: str) -> Any:
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32
