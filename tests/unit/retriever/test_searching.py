"""How deep a search goes: as deep as k and the reranker need, and at the usual settings no deeper than it did."""

import random
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from core.settings import RetrieveSettings
from retriever import explain as explaining
from retriever import searching
from retriever.candidates import Candidates
from retriever.explain import explain
from retriever.hybrid import HybridRetriever
from retriever.searching import Wish, passages, search, weigh
from retriever.weights import Weights
from tests.unit.retriever.rows import make_row

CHUNKS = 200
# Apart from each other, so that no two hits are joined, and without words in common.
ROWS = {(0, n): make_row(" ".join(f"w{n}x{m}" for m in range(6)), n, start=5000 * n) for n in range(CHUNKS)}


class Likes:
    """A reranker that likes one text, wherever it stands."""

    def __init__(self, number):
        self.number, self.read = number, 0

    def scores(self, question, texts):
        self.read = len(texts)
        return [1.0 if f"w{self.number}x0" in text else 0.1 for text in texts]


@pytest.fixture
def asked(monkeypatch):
    """An index of 200 chunks that both searches find in some order; keeps how many hits were asked for."""
    depths = []

    def gather(corpora, queries, vectors, limit, where=None, way="full"):
        depths.append(limit)
        dense, lexical = list(range(CHUNKS)), list(range(CHUNKS))
        random.Random(1).shuffle(dense)
        random.Random(2).shuffle(lexical)
        hits = [[((0, n), 1.0 - place / CHUNKS) for place, n in enumerate(order[:limit])] for order in (dense, lexical)]
        words = {f"w{n}x1": 0.5 for n in range(0, CHUNKS, 7)}
        return [Candidates(hits[0], hits[1], {(0, 3): 0.4}, ROWS, words) for _ in queries]

    monkeypatch.setattr(searching, "gather", gather)
    monkeypatch.setattr(explaining, "gather", gather)
    return depths


def index(**weights):
    corpus = SimpleNamespace(name="a", weights=Weights(**weights))
    return SimpleNamespace(name="a", lock=nullcontext(), current=lambda: corpus)


def found(wish, **weights):
    embeddings = SimpleNamespace(embed_query=lambda text: [1.0])
    (documents,) = search([index(**weights)], embeddings, ["Which one?"], wish)
    return [document.metadata["id"] for document in documents]


@pytest.mark.parametrize("k", [1, 3, 5, 10])
@pytest.mark.parametrize("candidates", [40, 60])
def test_usual_settings_rank_as_they_did(asked, k, candidates):
    (as_it_was,) = searching.gather([], [""], [], candidates)
    ranking = weigh(as_it_was, [Weights(candidates=candidates)])  # cut at the candidates
    before = [document.metadata["id"] for document in passages(as_it_was, ranking, ["a"], k)]
    assert len(ranking) == candidates
    assert found(Wish(k), candidates=candidates) == before
    assert set(asked) == {candidates}
    # Nor do the hits that a reranker would read count where there is none.
    assert found(Wish(k, rerank_candidates=200), candidates=candidates) == before


def test_as_many_passages_are_found_as_are_wanted(asked):
    assert len(found(Wish(50))) == 50
    assert len(found(Wish(100))) == 100


def test_a_reranker_reads_as_many_hits_as_it_is_given(asked):
    deep, usual = Likes(0), Likes(0)
    found(Wish(5, reranker=deep, rerank_candidates=150))
    found(Wish(5, reranker=usual))
    assert (deep.read, usual.read) == (150, 20)
    assert asked == [150, 40]


def test_what_is_explained_is_as_deep_as_what_is_found(asked):
    embeddings, reranker = SimpleNamespace(embed_query=lambda text: [1.0]), Likes(0)

    def retriever(**options):
        settings = RetrieveSettings(rerank_candidates=150)
        return HybridRetriever.model_construct(
            indexes=(index(),), embeddings=embeddings, settings=settings, reranker=options.get("reranker")
        )

    assert len(explain(retriever(), "Which one?", 50)) == 50
    explain(retriever(reranker=reranker), "Which one?", 5)
    assert reranker.read == 150
