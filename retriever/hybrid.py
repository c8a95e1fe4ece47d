"""The retriever: dense and lexical search over what is served of one corpus or several; a LangChain BaseRetriever."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from pydantic import ConfigDict

from core.files import sha256_json
from core.index import Generation
from core.settings import RetrieveSettings
from retriever.candidates import Way
from retriever.corpus_index import CorpusIndex
from retriever.searching import Reranker, Wish, search

# Changing what is found must make again what was made of it (training rows).
VERSION = 3


class HybridRetriever(BaseRetriever):
    """Finds passages. May be used from several threads.

    A passage is a chunk, or several that stand next to each other, without what is not asked about
    (retriever/narrowing.py). Metadata: `corpus`, `source`, `locator`, `score` (0 to 1), `id`, `start`, `end`,
    `ordinal`, `rank`, and where there are such `page`, `last_page`, `place`, `first_line`, `last_line`, `parts`,
    `left_out`. `invoke(question, k=..., where=...)` overrides the settings.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    indexes: tuple[CorpusIndex, ...]
    embeddings: Embeddings
    settings: RetrieveSettings
    reranker: Reranker | None = None

    def search(
        self, question: str, k: int | None = None, where: Mapping[str, Any] | None = None, way: Way = "full"
    ) -> list[Document]:
        """Up to `k` passages, best first. Raises RetrievalError, IndexMismatchError.

        `where` filters (see retriever/where.py). `way` leaves parts out, to measure what each contributes.
        """
        return self.search_many([question], k, where, way)[0]

    def search_many(
        self, questions: Sequence[str], k: int | None = None, where: Mapping[str, Any] | None = None, way: Way = "full"
    ) -> list[list[Document]]:
        """The same for many questions, which share what they can: questions are embedded and searched together."""
        settings = self.settings
        wish = Wish(k or settings.k, where, way, self.reranker, settings.rerank_candidates, narrow=settings.narrow)
        return search(self.indexes, self.embeddings, questions, wish) if questions else []

    def batch(
        self,
        inputs: list[str],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[list[Document]]:
        """LangChain's `batch`, as one search instead of a thread for each question.

        Callbacks and `return_exceptions` are LangChain's business: where they are used, its own way is taken.
        """
        if config or return_exceptions:
            return super().batch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        return self.search_many(inputs, kwargs.get("k"), kwargs.get("where"))

    @property
    def fingerprint(self) -> str:
        """Names how passages are found now, apart from what the indexes hold: code, settings, tuned weights, reranker.

        Raises ModelError where the reranker's folder cannot be read.
        """
        weights = []
        for index in self.indexes:
            with index.lock:
                weights.append(index.current().weights.model_dump())
        found = [VERSION, self.settings.model_dump(), weights]
        # Its name stands in the settings; what is in a folder of that name may change. None: nothing more to say.
        reranker = getattr(self.reranker, "fingerprint", None)
        return sha256_json([*found, reranker] if reranker else found)

    @property
    def corpora(self) -> list[str]:
        """Names of the corpora that are searched."""
        return [index.name for index in self.indexes]

    @property
    def generation(self) -> Generation:
        """The generation of the first corpus that questions are answered from now. Raises RetrievalError."""
        with self.indexes[0].lock:
            return self.indexes[0].current().generation

    def close(self) -> None:
        """Close the indexes; the next question opens them again."""
        for index in self.indexes:
            index.close()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> list[Document]:
        return self.search(query, kwargs.get("k"), kwargs.get("where"))


def open_retriever(
    corpus_dir: Path, embeddings: Embeddings, settings: RetrieveSettings, reranker: Reranker | None = None
) -> HybridRetriever:
    """The retriever of one corpus; fails early. Raises RetrievalError without an index, IndexMismatchError."""
    embedder = getattr(embeddings, "fingerprint", type(embeddings).__name__)
    index = CorpusIndex(corpus_dir, embedder, settings)
    retriever = HybridRetriever(indexes=(index,), embeddings=embeddings, settings=settings, reranker=reranker)
    _ = retriever.generation
    return retriever


def together(retrievers: Sequence[HybridRetriever]) -> HybridRetriever:
    """One retriever over the corpora of several, which share an embedder; each keeps its own weights."""
    first = retrievers[0]
    indexes = tuple(index for retriever in retrievers for index in retriever.indexes)
    return HybridRetriever(
        indexes=indexes, embeddings=first.embeddings, settings=first.settings, reranker=first.reranker
    )
