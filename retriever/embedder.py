"""The embedder: text to vectors, as a LangChain Embeddings over a sentence-transformers folder. Knows no index.

Its fingerprint and its token counts need only the folder's small files and its tokenizer; weights are loaded when
something is first embedded, by the fast engine where the model and the processor allow it, else by the general one.
"""

import logging
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from langchain_core.embeddings import Embeddings

from core.errors import ModelError
from retriever.embedder_fingerprint import fingerprint, weight_files
from retriever.model_folder import ModelFolder, read_model_folder
from retriever.tokens import open_tokenizer

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


class Engine(Protocol):
    """What turns texts into vectors: `FastBert` or `SentenceEngine`."""

    def embed(self, texts: Sequence[str], *, query: bool) -> "np.ndarray":
        """Vectors of length 1, float32 [texts, dimension], with the prompt of questions or of passages."""
        ...


class LocalEmbedder(Embeddings):
    """A model folder, loaded at the first embedding; may be used from several threads.

    `fingerprint` names weights, tokenizer, pooling, prompts and length: vectors of equal fingerprints may be compared.
    `max_tokens` is what the model reads of a text; the rest is cut off.
    """

    def __init__(self, folder: ModelFolder, batch_size: int) -> None:
        self._folder, self._batch_size = folder, batch_size
        self._engine: Engine | None = None
        self._lock = Lock()
        self.max_tokens = folder.max_tokens
        try:
            self.fingerprint = fingerprint(folder)
        except OSError as error:
            raise ModelError(f"--embedder: {folder.root} cannot be read ({error}): obtain the model anew") from error

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as this model counts them, without the special ones."""
        return self.count_many([text])[0]

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, counted together; loads no weights. Raises ModelError."""
        if not texts:
            return []
        return [len(found) for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of length 1, in the order of `texts`. Raises ModelError where the model cannot be loaded."""
        return self._loaded().embed(texts, query=False).tolist() if texts else []

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question. Raises ModelError where the model cannot be loaded."""
        return self._loaded().embed([text], query=True)[0].tolist()

    def embed_queries(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of many questions. Raises ModelError where the model cannot be loaded."""
        return self._loaded().embed(texts, query=True).tolist() if texts else []

    def load(self) -> None:
        """Load the weights now, so that the first question need not wait. Raises ModelError."""
        self._loaded()

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        return open_tokenizer(self._folder, truncated=False)

    def _loaded(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = _open_engine(self._folder, self._batch_size)
            return self._engine


def load_embedder(folder: str | Path, batch_size: int = 64) -> LocalEmbedder:
    """An embedder over a sentence-transformers folder; its weights are loaded at the first embedding.

    `batch_size` texts go through the general engine at once. Raises ModelError.
    """
    found = read_model_folder(Path(folder))
    if found.first.kind == "Transformer" and not weight_files(found.first.folder):
        raise ModelError(
            f"--embedder: {found.first.folder} has no weights (*.safetensors, pytorch_model*.bin): obtain it anew"
        )
    return LocalEmbedder(found, batch_size)


def _open_engine(folder: ModelFolder, batch_size: int) -> Engine:
    from retriever.float_bert import Unfit

    if not _has_gpu():
        try:
            from retriever.fast_bert import FastBert

            return FastBert(folder)
        except Unfit as reason:
            log.info("embedder %s: general engine (%s)", folder.root, reason)
    from retriever.sentence_engine import SentenceEngine

    return SentenceEngine(folder, batch_size)


def _has_gpu() -> bool:
    """Whether PyTorch can use a GPU; it is not asked, because that takes seconds, where there cannot be one."""
    if not (shutil.which("nvidia-smi") or any(Path(device).exists() for device in _GPU_DEVICES)):
        return False
    import torch

    return torch.cuda.is_available()
