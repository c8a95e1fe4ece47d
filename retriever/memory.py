"""A retriever over a list of documents in memory: for tests and first experiments, with no index, model or file.

Keeps the contract of HybridRetriever (order, scores, filters, errors), which one test suite holds both to. It finds by
words alone.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from core.errors import RetrievalError
from retriever.fusion import without_duplicates
from retriever.lines import best_line
from retriever.query import read_question
from retriever.where import KEYS


class InMemoryRetriever(BaseRetriever):
    """Finds among `documents`; metadata as in HybridRetriever, all optional, `headings` as a list."""

    documents: Sequence[Document]
    k: int = 5

    def search(self, question: str, k: int | None = None, where: Mapping[str, Any] | None = None) -> list[Document]:
        """Up to `k` documents that share words with the question, best first. Raises RetrievalError.

        `where` knows equality, patterns with `*`, and `$in`.
        """
        query = read_question(question)
        if not query.text:
            raise RetrievalError("the question is empty: ask something")
        if not self.documents:
            raise RetrievalError("there are no documents to search: give some")
        weights = dict.fromkeys(query.words, 1.0)
        scored = []
        for place, document in enumerate(self.documents):
            headings = json.dumps(document.metadata.get("headings", []), ensure_ascii=False)
            score = best_line(document.page_content, headings, weights)
            if score > 0 and _passes(document, where or {}):
                scored.append((-score, place))
        ranked = sorted(scored)
        texts = ((place, self.documents[place].page_content) for _, place in ranked)
        scores = {place: -score for score, place in ranked}
        found = []
        for rank, place in enumerate(without_duplicates(texts)):
            if rank == (k or self.k):
                break
            document = self.documents[place]
            metadata = {**document.metadata, "score": round(scores[place], 6), "rank": rank}
            found.append(document.model_copy(update={"metadata": metadata}))
        return found

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> list[Document]:
        return self.search(query, kwargs.get("k"), kwargs.get("where"))


def _passes(document: Document, where: Mapping[str, Any]) -> bool:
    for key, wanted in where.items():
        if key not in KEYS:
            raise RetrievalError(f"cannot filter by '{key}': use {', '.join(KEYS)}")
        choices = wanted["$in"] if isinstance(wanted, Mapping) else [wanted]
        value = document.metadata.get(key)
        if not any(_equals(value, choice) for choice in choices):
            return False
    return True


def _equals(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and isinstance(value, str):
        return fnmatchcase(value, wanted.replace("[", "[[]"))
    return value == wanted
