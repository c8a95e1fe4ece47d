"""Finds the weights with which a corpus's evidence ranks highest, on training examples that name their evidence.

Every question is searched once; weighing the candidates again and again is cheap. The figures come from examples that
chose nothing: one half tunes, the other half is measured, and the other way round. Knows no pack and no file.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.embeddings import Embeddings

from core.errors import RetrievalError
from core.passages import CountTokens, contains_quote, to_passages
from core.types import Example
from retriever.candidates import Candidates, Key, gather
from retriever.corpus_index import CorpusIndex
from retriever.query import read_question
from retriever.searching import embed_queries, passages, weigh
from retriever.weights import Weights

# Fewer examples say more about themselves than about the corpus.
FEWEST = 30
MOST = 400
_TOGETHER = 32
_GRID: dict[str, tuple[float, ...]] = {
    "dense": (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "rank_constant": (3.0, 10.0, 30.0, 60.0),
    "names": (0.0, 0.5, 1.0, 2.0),
    "line": (0.0, 0.5, 1.0, 1.5),
}
_ROUNDS = 2
_RESAMPLES = 2000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Tuned:
    """Weights from all examples; means of `recall` and `mrr`, before and with weights tuned on the other half.

    `gain` is the difference in recall with its 95% interval (paired bootstrap).
    """

    weights: Weights
    examples: int
    before: dict[str, float]
    after: dict[str, float]
    gain: tuple[float, float, float]

    @property
    def helps(self) -> bool:
        """Whether held-out questions fare better, or as well with the evidence further up."""
        return (self.after["recall"], self.after["mrr"]) > (self.before["recall"], self.before["mrr"])


@dataclass(frozen=True)
class _Asked:
    """A question's candidates, and per quote of its evidence the chunks that hold it."""

    example: Example
    candidates: Candidates
    holders: tuple[frozenset[Key], ...]


def tune(
    index: CorpusIndex,
    embeddings: Embeddings,
    examples: Sequence[Example],
    count_tokens: CountTokens,
    *,
    k: int,
    token_budget: int,
    seed: int = 7,
    on_progress: Progress = lambda done, total: None,
) -> Tuned:
    """Tune on up to `MOST` answerable examples with evidence. Raises RetrievalError when there are too few."""
    usable = list({e.question: e for e in examples if e.answerable and e.evidence}.values())
    if len(usable) < FEWEST:
        raise RetrievalError(
            f"{len(usable)} training examples name their evidence, and tuning needs {FEWEST}: the defaults stay; add "
            "examples with evidence"
        )
    chosen = random.Random(seed).sample(usable, min(MOST, len(usable)))
    start = index.current().weights
    asked = _ask(index, embeddings, chosen, on_progress)
    halves = [[a for a in asked if _half(a.example) == half] for half in (0, 1)]
    before, after = [], []
    for own, other in (halves, halves[::-1]):
        tuned = _descend(other, start)
        before += [_judge(a, start, count_tokens, k, token_budget) for a in own]
        after += [_judge(a, tuned, count_tokens, k, token_budget) for a in own]
    return Tuned(_descend(asked, start), len(asked), _means(before), _means(after), _gain(before, after, seed))


def _ask(
    index: CorpusIndex, embeddings: Embeddings, examples: Sequence[Example], on_progress: Progress
) -> list[_Asked]:
    asked = []
    for first in range(0, len(examples), _TOGETHER):
        part = examples[first : first + _TOGETHER]
        queries = [read_question(example.question) for example in part]
        vectors = embed_queries(embeddings, [query.text for query in queries])
        with index.lock:
            corpus = index.current()
            found = gather([corpus], queries, vectors, corpus.weights.candidates)
        asked += [_Asked(e, c, _holders(e, c)) for e, c in zip(part, found, strict=True)]
        on_progress(len(asked), len(examples))
    return asked


def _holders(example: Example, candidates: Candidates) -> tuple[frozenset[Key], ...]:
    texts = {key: " ".join(row["text"].split()) for key, row in candidates.rows.items()}
    return tuple(
        frozenset(
            key
            for key, text in texts.items()
            if candidates.rows[key]["source"] == evidence.source and " ".join(evidence.quote.split()) in text
        )
        for evidence in example.evidence
    )


def _half(example: Example) -> int:
    # By record: what is asked about one thing in several ways must not tune and measure at once.
    return hashlib.sha256(example.record.encode()).digest()[0] % 2


def _descend(asked: Sequence[_Asked], start: Weights) -> Weights:
    """Coordinate descent over the grid: one weight after the other, twice."""
    best, best_score = start, _objective(asked, start)
    for _ in range(_ROUNDS):
        for name, values in _GRID.items():
            for value in values:
                tried = best.model_copy(update={name: value})
                score = _objective(asked, tried)
                if score > best_score + 1e-9:
                    best, best_score = tried, score
    return best


def _objective(asked: Sequence[_Asked], weights: Weights) -> float:
    return sum(_reciprocal_rank(one, weights) for one in asked)


def _reciprocal_rank(asked: _Asked, weights: Weights) -> float:
    """Of the quote that comes last: a question is answered when all its evidence is there."""
    places = {key: place for place, (key, _) in enumerate(weigh(asked.candidates, [weights]))}
    worst = 0
    for holders in asked.holders:
        found = [places[key] for key in holders if key in places]
        if not found:
            return 0.0
        worst = max(worst, min(found))
    return 1.0 / (1 + worst)


def _judge(asked: _Asked, weights: Weights, count: CountTokens, k: int, budget: int) -> dict[str, float]:
    documents = passages(asked.candidates, weigh(asked.candidates, [weights]), [""], k)
    found = to_passages(documents, budget, count)
    whole = all(contains_quote(found, evidence.source, evidence.quote) for evidence in asked.example.evidence)
    return {"recall": float(whole), "mrr": _reciprocal_rank(asked, weights)}


def _means(judged: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: round(sum(one[key] for one in judged) / len(judged), 4) for key in judged[0]}


def _gain(
    before: Sequence[dict[str, float]], after: Sequence[dict[str, float]], seed: int
) -> tuple[float, float, float]:
    import numpy as np

    differences = np.array([b["recall"] - a["recall"] for a, b in zip(before, after, strict=True)])
    draws = np.random.default_rng(seed).choice(differences, (_RESAMPLES, len(differences))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return round(float(differences.mean()), 4), round(float(low), 4), round(float(high), 4)
