"""Joins what the searches found into one ranking, and drops near-duplicates. Numbers and texts only; knows no store."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TypeVar

from core.terms import terms
from retriever.candidates import Candidates, Key
from retriever.names import DEFINES
from retriever.weights import Weights

Item = TypeVar("Item", int, str, Key)
_SAME = 0.85


def rank(found: Candidates, weights_of: Callable[[Key], Weights], least: int = 0) -> list[tuple[Key, float]]:
    """The leading candidates with their scores from 0 to 1, best first: as many as the weights say, or `least`.

    Weighted reciprocal ranks of both searches (0 to 1 together), a bonus for names, and for the best line of those that
    lead so far.
    """
    scores: dict[Key, float] = {}
    for hits, dense in ((found.dense, True), (found.lexical, False)):
        for place, (key, _) in enumerate(hits):
            weights = weights_of(key)
            share = weights.dense if dense else 1.0 - weights.dense
            scores[key] = scores.get(key, 0.0) + share * weights.rank_constant / (weights.rank_constant + place)
    for key, bonus in found.names.items():
        scores[key] = scores.get(key, 0.0) + weights_of(key).names * bonus
    leading = sorted(scores, key=lambda key: (-scores[key], key))
    leading = leading[: max(least, *(weights_of(key).candidates for key in leading))] if leading else []
    total = []
    for key in leading:
        weights = weights_of(key)
        score = scores[key] + (weights.line * found.line(key) if found.words else 0.0)
        total.append((key, score / (1.0 + DEFINES * weights.names + weights.line)))
    return sorted(total, key=lambda item: (-item[1], item[0]))


def without_duplicates(texts: Iterable[tuple[Item, str]]) -> Iterator[Item]:
    """The keys whose text does not repeat that of an earlier one (most pairs of words in common), in order."""
    kept: list[frozenset[tuple[str, str]]] = []
    for key, text in texts:
        words = terms(text)
        pairs = frozenset(pairwise(words)) or frozenset((word, "") for word in words)
        if all(_overlap(pairs, other) < _SAME for other in kept):
            kept.append(pairs)
            yield key


def _overlap(a: frozenset[tuple[str, str]], b: frozenset[tuple[str, str]]) -> float:
    return len(a & b) / max(len(a | b), 1)
