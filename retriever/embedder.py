"""The embedder: text to vectors with a sentence-transformers model, as a LangChain Embeddings. Knows no index.

The folder says what the model is; weights are loaded when the first text is embedded. A plain BERT on a CPU is
computed without padding (retriever/packed_bert.py), everything else by sentence-transformers itself.
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.embeddings import Embeddings

from core.errors import ModelError
from retriever.embedder_folder import EmbedderFolder

if TYPE_CHECKING:
    import numpy as np


class _Engine(Protocol):
    def encode(self, texts: Sequence[Sequence[int]]) -> "np.ndarray":
        """Vectors of length 1, float32 [texts, width], of token ids."""
        ...


class LocalEmbedder(Embeddings):
    """A sentence-transformers model in a folder. May be used from several threads.

    `fingerprint` names weights and pooling: vectors of equal fingerprints may be compared. `max_tokens` is what the
    model reads of a text; the rest is cut off.
    """

    def __init__(self, folder: EmbedderFolder, batch_size: int) -> None:
        self._folder, self._batch_size = folder, batch_size
        self._counter = folder.tokenizer(truncated=False)
        self._tokenizer = folder.tokenizer(truncated=True)
        self._lock = threading.Lock()
        self._engine: _Engine | None = None
        self.fingerprint = folder.fingerprint()
        self.max_tokens = folder.max_tokens
        prompts = folder.prompts
        self._query_prompt = prompts.get("query", "")
        self._document_prompt = prompts.get("document") or prompts.get("passage", "")

    def load(self) -> None:
        """Load the weights now. Raises ModelError."""
        with self._lock:
            if self._engine is None:
                self._engine = _load(self._folder, self._batch_size)

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as this model counts them, without the special ones."""
        return self.count_many([text])[0]

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, counted together."""
        encoded = self._counter.encode_batch_fast(self._cased(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of length 1, in the order of `texts`."""
        return self._embed([self._document_prompt + text for text in texts]).tolist() if texts else []

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question."""
        return self._embed([self._query_prompt + text])[0].tolist()

    def embed_queries(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of many questions."""
        return self._embed([self._query_prompt + text for text in texts]).tolist() if texts else []

    def _embed(self, texts: Sequence[str]) -> "np.ndarray":
        self.load()
        assert self._engine is not None
        return self._engine.encode([one.ids for one in self._tokenizer.encode_batch_fast(self._cased(texts))])

    def _cased(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() for text in texts] if self._folder.lower_case else list(texts)


def load_embedder(model: str | Path, batch_size: int = 64) -> LocalEmbedder:
    """The embedder in a sentence-transformers folder; its weights are loaded later. Raises ModelError."""
    return LocalEmbedder(EmbedderFolder(Path(model)), batch_size)


def _load(folder: EmbedderFolder, batch_size: int) -> _Engine:
    try:
        import torch

        if not torch.cuda.is_available():
            from retriever.packed_bert import PackedBert, is_plain_bert

            if is_plain_bert(folder):
                return PackedBert(folder, _cpu_dtype(), len(os.sched_getaffinity(0)))
        from retriever.sentence_encoder import SentenceEncoder

        return SentenceEncoder(folder, batch_size)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"embedder '{folder.root}' cannot be loaded ({reason}): give a sentence-transformers folder or Hugging "
            "Face id with --embedder, or 'packaged'"
        ) from error


def _cpu_dtype() -> Any:
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32
