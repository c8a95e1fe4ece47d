"""Texts to vectors as the manifest stores them: checked, of length 1, little-endian float32.

Works with any LangChain Embeddings. One may have `fingerprint` (which vectors may be compared), `count_many` or
`count_tokens`, without which its class name and a rough count stand in, and `load`. Knows no index.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from core.errors import IngestError
from ingest.chunks import CountTokens

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings


class Vectors:
    """The embedder of an ingestion. Nothing is loaded before `make` is called."""

    def __init__(self, embeddings: "Embeddings") -> None:
        self._embeddings = embeddings
        self._dimension: int | None = None
        self.fingerprint: str = getattr(embeddings, "fingerprint", type(embeddings).__name__)
        self.count: CountTokens = _counter(embeddings)

    def load(self) -> None:
        """Load the embedder now, if it can be told to: while parsers start, there is time for it."""
        load = getattr(self._embeddings, "load", None)
        if load is not None:
            load()

    def make(self, texts: Mapping[str, str]) -> dict[str, bytes]:
        """The vectors of `texts`, by their keys. Raises IngestError when the embedder gives no usable ones."""
        import numpy as np

        made = np.asarray(self._embeddings.embed_documents(list(texts.values())), dtype="<f4")
        if made.ndim != 2 or len(made) != len(texts) or not made.shape[1]:
            raise IngestError(f"the embedder gave {made.shape} for {len(texts)} texts: one vector each is needed")
        self._dimension = self._dimension or made.shape[1]
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        if made.shape[1] != self._dimension or not np.isfinite(lengths).all():
            raise IngestError(
                "the embedder gave vectors that are not finite or of several dimensions: use another --embedder"
            )
        made /= np.maximum(lengths, 1e-12)
        return {key: vector.tobytes() for key, vector in zip(texts, made, strict=True)}


def _counter(embeddings: "Embeddings") -> CountTokens:
    many = getattr(embeddings, "count_many", None)
    if many is not None:
        return many
    one = getattr(embeddings, "count_tokens", None) or (lambda text: len(text) // 4 + 1)

    def count(texts: Iterable[str]) -> list[int]:
        return [one(text) for text in texts]

    return count
