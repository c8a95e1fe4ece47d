"""Training questions with what the searches found for them: what tuning and training of the retriever work on.

Every question is searched once, many together. Knows no weights and no pack.
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
from retriever.searching import embed_queries, passages

# Fewer examples say more about themselves than about the corpus.
FEWEST = 30
_TOGETHER = 32
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Asked:
    """A question's candidates, and per quote of its evidence the chunks that hold it."""

    example: Example
    candidates: Candidates
    holders: tuple[frozenset[Key], ...]

    @property
    def half(self) -> int:
        """0 or 1, by record: what is asked about one thing in several ways must not choose and measure at once."""
        return hashlib.sha256(self.example.record.encode()).digest()[0] % 2

    def reciprocal_rank(self, ranking: Sequence[tuple[Key, float]]) -> float:
        """Of the quote that comes last: a question is answered when all its evidence is there."""
        places = {key: place for place, (key, _) in enumerate(ranking)}
        worst = 0
        for holders in self.holders:
            found = [places[key] for key in holders if key in places]
            if not found:
                return 0.0
            worst = max(worst, min(found))
        return 1.0 / (1 + worst)

    def judge(
        self, ranking: Sequence[tuple[Key, float]], count: CountTokens, k: int, token_budget: int
    ) -> dict[str, float]:
        """`recall`: whether all evidence stands in the passages that fit the budget; and `mrr`."""
        found = to_passages(passages(self.candidates, ranking, [""], k), token_budget, count)
        whole = all(contains_quote(found, evidence.source, evidence.quote) for evidence in self.example.evidence)
        return {"recall": float(whole), "mrr": self.reciprocal_rank(ranking)}


def choose(examples: Sequence[Example], most: int, seed: int) -> list[Example]:
    """Up to `most` answerable examples with evidence, each question once. Raises RetrievalError for too few."""
    usable = list({e.question: e for e in examples if e.answerable and e.evidence}.values())
    if len(usable) < FEWEST:
        raise RetrievalError(
            f"{len(usable)} training examples name their evidence, and {FEWEST} are needed: the defaults stay; add "
            "examples with evidence"
        )
    return random.Random(seed).sample(usable, min(most, len(usable)))


def ask(
    index: CorpusIndex,
    embeddings: Embeddings,
    examples: Sequence[Example],
    on_progress: Progress = lambda done, total: None,
    least: int = 0,
) -> list[Asked]:
    """Search for every question, for as many hits as the weights say, or `least`."""
    asked = []
    for first in range(0, len(examples), _TOGETHER):
        part = examples[first : first + _TOGETHER]
        queries = [read_question(example.question) for example in part]
        vectors = embed_queries(embeddings, [query.text for query in queries])
        with index.lock:
            corpus = index.current()
            found = gather([corpus], queries, vectors, max(least, corpus.weights.candidates))
        asked += [Asked(e, c, _holders(e, c)) for e, c in zip(part, found, strict=True)]
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


def means(judged: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each figure."""
    return {key: round(sum(one[key] for one in judged) / len(judged), 4) for key in judged[0]}


def gain(
    before: Sequence[dict[str, float]], after: Sequence[dict[str, float]], figure: str, seed: int
) -> tuple[float, float, float]:
    """The difference in a figure with its 95% interval, by paired bootstrap."""
    import numpy as np

    differences = np.array([b[figure] - a[figure] for a, b in zip(before, after, strict=True)])
    draws = np.random.default_rng(seed).choice(differences, (2000, len(differences))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return round(float(differences.mean()), 4), round(float(low), 4), round(float(high), 4)
