"""From questions to passages: gather candidates, weigh, rerank, drop duplicates, join neighbours, narrow.

Keeps no state.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from core.errors import RetrievalError
from retriever.candidates import Candidates, Key, Way, gather
from retriever.corpus_index import CorpusIndex, Row
from retriever.fusion import rank, without_duplicates
from retriever.joining import Hit, join_hits
from retriever.narrowing import narrow
from retriever.query import read_question
from retriever.weights import Weights


@runtime_checkable
class Reranker(Protocol):
    """Reads question and passage together: retriever/reranker.py, and the scripted one of the tests."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, 0 to 1."""
        ...


@dataclass(frozen=True)
class Wish:
    """What is asked for besides the question: `k` passages among the chunks that pass the filter `where`.

    `narrow`: of tables and lists only the rows and entries that are asked about.
    """

    k: int
    where: Mapping[str, Any] | None = None
    way: Way = "full"
    reranker: Reranker | None = None
    rerank_candidates: int = 20
    narrow: bool = True

    @property
    def read_again(self) -> int:
        """How many of the leading hits the reranker reads; 0 without one."""
        return 0 if self.reranker is None else max(self.rerank_candidates, 2 * self.k)

    def depth(self, weights: Iterable[Weights]) -> int:
        """Hits to take from each search and to weigh: as many as weights, `k` and the reranker want.

        More than `k`, because near-duplicates are dropped and neighbours joined.
        """
        return max(4 * self.k, self.read_again, *(one.candidates for one in weights))


def search(
    indexes: Sequence[CorpusIndex], embeddings: Embeddings, questions: Sequence[str], wish: Wish
) -> list[list[Document]]:
    """For each question up to `k` passages, best first. Raises RetrievalError, IndexMismatchError."""
    queries = [read_question(question) for question in questions]
    if not all(query.text for query in queries):
        raise RetrievalError("the question is empty: ask something")
    vectors = [] if wish.way == "lexical" else embed_queries(embeddings, [query.text for query in queries])
    with ExitStack() as locks:
        # Always in the same order: two searches over the same corpora cannot wait for each other.
        for index in sorted(indexes, key=lambda index: index.name):
            locks.enter_context(index.lock)
        corpora = [index.current() for index in indexes]
        weights = [corpus.weights for corpus in corpora]
        depth = wish.depth(weights)
        found = gather(corpora, queries, vectors, depth, wish.where, wish.way)
    names = [corpus.name for corpus in corpora]
    results = []
    for query, candidates in zip(queries, found, strict=True):
        ranking = weigh(candidates, weights, wish.way, depth)
        if wish.reranker is not None:
            ranking = reranked(query.text, candidates, ranking, wish.reranker, wish.read_again)
        results.append(passages(candidates, ranking, names, wish.k, narrowed=wish.narrow))
    return results


def weigh(
    candidates: Candidates, weights: Sequence[Weights], way: Way = "full", least: int = 0
) -> list[tuple[Key, float]]:
    """The ranking of candidates, each weighed as its corpus is tuned; `least`: see `rank`."""
    if way in ("dense", "lexical"):
        share = 1.0 if way == "dense" else 0.0
        weights = [one.model_copy(update={"dense": share}) for one in weights]
    return rank(candidates, lambda key: weights[key[0]], least)


def passages(
    candidates: Candidates,
    ranking: Sequence[tuple[Key, float]],
    names: Sequence[str],
    k: int,
    *,
    narrowed: bool = True,
) -> list[Document]:
    """The first `k` passages of a ranking; `names` are the corpora's."""
    scores = dict(ranking)
    kept = without_duplicates((key, text_with_headings(candidates.rows[key])) for key, _ in ranking)
    hits = (Hit(candidates.rows[key], names[key[0]], scores[key], place) for place, key in enumerate(kept))
    found = join_hits(hits, k)
    if not (narrowed and candidates.words):
        return found
    keys = {(names[key[0]], row["id"]): key for key, row in candidates.rows.items()}
    return [_narrow(document, candidates, keys[document.metadata["corpus"], document.id]) for document in found]


def _narrow(document: Document, candidates: Candidates, best: Key) -> Document:
    """A passage, whose best chunk is `best`, without what is not asked about."""
    headings = candidates.rows[best]["headings"]
    return narrow(document, headings, candidates.words, inside=best[0] in candidates.joining)


def embed_queries(embeddings: Embeddings, texts: Sequence[str]) -> list[list[float]]:
    """Vectors of questions; in one batch where the embedder offers it."""
    together = getattr(embeddings, "embed_queries", None)
    if together is not None and len(texts) > 1:
        return together(list(texts))
    return [embeddings.embed_query(text) for text in texts]


def reranked(
    question: str, candidates: Candidates, ranking: Sequence[tuple[Key, float]], reranker: Reranker, most: int
) -> list[tuple[Key, float]]:
    """The first `most` of a ranking in the order of the reranker's scores; the rest is dropped."""
    leading = ranking[:most]
    scores = reranker.scores(question, [text_with_headings(candidates.rows[key]) for key, _ in leading])
    # A stable sort: where the reranker sees no difference, the order stays.
    return sorted(((key, score) for (key, _), score in zip(leading, scores, strict=True)), key=lambda item: -item[1])


def text_with_headings(row: Row) -> str:
    """A chunk as it is read by itself: under its headings."""
    headings = " > ".join(json.loads(row["headings"]))
    return f"{headings}\n{row['text']}" if headings else row["text"]
