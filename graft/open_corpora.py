"""The corpora of a workspace as a process has them open: each once, whichever domain searches it.

Also whose turn it is to write: page, commands and followed folders wait for each other instead of refusing each other.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import IndexMismatchError
from core.index import corpus_counts
from core.service import CorpusInfo, corpus_names
from core.settings import RetrieveSettings
from core.workspace import Workspace
from graft.corpora import CorpusRegistry

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from retriever.hybrid import HybridRetriever
    from retriever.searching import Reranker


class OpenCorpora:
    """Opens corpora as they are asked for. `embeddings` and `reranker` give what all of them are searched with.

    `writing` is held by whoever writes an index.
    """

    def __init__(
        self,
        workspace: Workspace,
        settings: RetrieveSettings,
        embeddings: "Callable[[], Embeddings]",
        reranker: "Callable[[], Reranker | None]",
    ) -> None:
        self._workspace, self._settings = workspace, settings
        self._embeddings, self._reranker = embeddings, reranker
        self._retrievers: dict[str, HybridRetriever] = {}
        self._lock = threading.RLock()
        self.writing = threading.RLock()

    def retriever(self, corpus: str) -> "HybridRetriever":
        """The retriever of one corpus. Raises IngestError, IndexMismatchError."""
        from retriever.hybrid import open_retriever

        found = self._retrievers.get(corpus)
        if found is not None:
            return found  # also while another one is being opened, which may take long
        with self._lock:
            if corpus not in self._retrievers:
                folder = self._workspace.corpus(corpus)
                self._retrievers[corpus] = open_retriever(folder, self._embeddings(), self._settings, self._reranker())
            return self._retrievers[corpus]

    def is_open(self, corpus: str) -> bool:
        """Whether somebody has searched a corpus already."""
        return corpus in self._retrievers

    def has_index(self, corpus: str) -> bool:
        """Whether a corpus, or each of several (`a+b`), has an index."""
        return all(corpus_counts(self._workspace.corpus(name)) is not None for name in corpus_names(corpus))

    def infos(self, first: str) -> list[CorpusInfo]:
        """All corpora that can be asked, by name, `first` before the others."""
        folder = self._workspace.root / "corpora"
        names = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
        names.sort(key=lambda name: name != first)
        titles = {name: sources.title for name, sources in CorpusRegistry(self._workspace).created().items()}
        found = []
        for name in names:
            counts = None
            with suppress(IndexMismatchError):  # of an older or newer Graft: none that can be asked here
                counts = corpus_counts(self._workspace.corpus(name))
            if counts is not None:
                title = titles.get(name, "")
                found.append(CorpusInfo(name=name, title=title, documents=counts[0], chunks=counts[1]))
        return found

    def drop(self, corpus: str, remove: Callable[[], None]) -> None:
        """Let go of a corpus and then `remove` it, while nothing is written."""
        with self.writing, self._lock:
            retriever = self._retrievers.pop(corpus, None)
            if retriever is not None:
                retriever.close()
            remove()
