"""What each part of the retriever made of the chunks that a search found: for people who look into it. Keeps no state.

The same steps as `retriever.searching.search`, short of joining neighbours: what is explained is a chunk.
"""

from contextlib import ExitStack

from core.corpus_desk import ExplainedHit
from core.errors import RetrievalError
from retriever.candidates import Candidates, Hits, Key, gather
from retriever.fusion import without_duplicates
from retriever.hybrid import HybridRetriever
from retriever.query import read_question
from retriever.searching import Wish, embed_queries, reranked, text_with_headings, weigh


def explain(retriever: HybridRetriever, question: str, k: int) -> list[ExplainedHit]:
    """The `k` best chunks, best first. Raises RetrievalError, IndexMismatchError."""
    query = read_question(question)
    if not query.text:
        raise RetrievalError("the question is empty: ask something")
    wish = Wish(k, reranker=retriever.reranker, rerank_candidates=retriever.settings.rerank_candidates)
    vectors = embed_queries(retriever.embeddings, [query.text])
    with ExitStack() as locks:
        for index in sorted(retriever.indexes, key=lambda index: index.name):
            locks.enter_context(index.lock)
        corpora = [index.current() for index in retriever.indexes]
        weights = [corpus.weights for corpus in corpora]
        (found,) = gather(corpora, [query], vectors, wish.depth(weights))
        ranking = weigh(found, weights, least=wish.depth(weights))
    if wish.reranker is not None:
        ranking = reranked(query.text, found, ranking, wish.reranker, wish.read_again)
    kept = list(without_duplicates((key, text_with_headings(found.rows[key])) for key, _ in ranking))[:k]
    scores, meaning, words = dict(ranking), _places(found.dense), _places(found.lexical)
    return [_hit(found, key, scores[key], meaning, words) for key in kept]


def _places(hits: Hits) -> dict[Key, tuple[int, float]]:
    return {key: (place, score) for place, (key, score) in enumerate(hits, start=1)}


def _hit(
    found: Candidates,
    key: Key,
    score: float,
    meaning: dict[Key, tuple[int, float]],
    words: dict[Key, tuple[int, float]],
) -> ExplainedHit:
    row = found.rows[key]
    by_meaning, by_words = meaning.get(key), words.get(key)
    return ExplainedHit(
        source=row["source"],
        locator=row["locator"],
        text=row["text"],
        start=row["start"],
        end=row["end"],
        page=row["page"],
        score=score,
        meaning_rank=by_meaning and by_meaning[0],
        meaning=by_meaning and by_meaning[1],
        words_rank=by_words and by_words[0],
        words=by_words and by_words[1],
        names=found.names.get(key, 0.0),
        line=found.line(key) if found.words else 0.0,
    )
