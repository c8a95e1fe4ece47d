"""Joins dense and lexical hits into one ranking, and drops near-duplicates. Numbers and texts only; knows no store."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from core.terms import terms

Key = TypeVar("Key", int, str)
# Reciprocal ranks: small, so that the first few places count.
RANK_CONSTANT = 10
_SAME = 0.85


def fuse(
    dense: Sequence[tuple[Key, float]],
    lexical: Sequence[tuple[Key, float]],
    bonus: Mapping[Key, float],
    dense_weight: float,
) -> list[tuple[Key, float]]:
    """Weighted reciprocal ranks (0 to 1 together) plus a bonus, best first. A hit may come from its bonus alone."""
    scores: dict[Key, float] = {}
    for hits, weight in ((dense, dense_weight), (lexical, 1.0 - dense_weight)):
        for rank, (key, _) in enumerate(hits):
            scores[key] = scores.get(key, 0.0) + weight * RANK_CONSTANT / (RANK_CONSTANT + rank)
    for key, extra in bonus.items():
        scores[key] = scores.get(key, 0.0) + extra
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def with_bonus(ranking: Iterable[tuple[Key, float]], bonus: Mapping[Key, float]) -> list[tuple[Key, float]]:
    """A ranking after another bonus, best first."""
    scores = [(key, score + bonus.get(key, 0.0)) for key, score in ranking]
    return sorted(scores, key=lambda item: (-item[1], item[0]))


def without_duplicates(texts: Iterable[tuple[Key, str]], limit: int) -> list[Key]:
    """The first `limit` keys whose text does not repeat that of an earlier one (most pairs of words in common)."""
    kept: list[tuple[Key, frozenset[tuple[str, str]]]] = []
    for key, text in texts:
        words = terms(text)
        pairs = frozenset(pairwise(words)) or frozenset((word, "") for word in words)
        if all(_overlap(pairs, other) < _SAME for _, other in kept):
            kept.append((key, pairs))
        if len(kept) == limit:
            break
    return [key for key, _ in kept]


def _overlap(a: frozenset[tuple[str, str]], b: frozenset[tuple[str, str]]) -> float:
    return len(a & b) / max(len(a | b), 1)
