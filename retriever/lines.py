"""How well the best single line of a chunk answers a question. Lists and tables hold many things; one of them is asked.

Works on the texts of a few candidates; knows no index.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from core.terms import terms

# A full stop inside a name (`fields.E003`) ends no sentence; sentences of Chinese and Japanese need no space.
_LINE = re.compile(r"\n+|(?<=[.!?])\s+(?=[A-Z`*\[])|(?<=[。！？])\s*")
_SUFFIXES = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "ly", "s", "e")
# A word that only the headings have counts half: it holds for every line below them.
_HEADING_SHARE = 0.5
_SHORTEST_STEM = 3
_INSIDE_SHARE = 0.7
_SHORTEST_INSIDE = 4


def best_line(text: str, headings: str, weights: Mapping[str, float], *, inside: bool = False) -> float:
    """Share (0 to 1) of the question's words, by weight, that one line or sentence of `text` holds.

    `inside`: a word is also held, for a part of its weight, by a longer word that it stands in.
    """
    wanted = wanted_stems(weights)
    total = sum(wanted.values())
    if not total:
        return 0.0
    above = stems(headings)
    best = 0.0
    for line in _LINE.split(text):
        words = stems(line)
        held = 0.0
        for word, weight in wanted.items():
            below = word in above and word not in words
            held += weight * (_HEADING_SHARE if below else share_held(word, words, inside=inside))
        best = max(best, held)
    return best / total


def wanted_stems(weights: Mapping[str, float]) -> dict[str, float]:
    """The stems of a question's words with their weights."""
    wanted: dict[str, float] = {}
    for word, weight in weights.items():
        wanted[stem(word)] = max(wanted.get(stem(word), 0.0), weight)
    return wanted


def share_held(word: str, words: frozenset[str], *, inside: bool) -> float:
    """How far the stem `word` is among `words`, 0 to 1; see `best_line` for `inside`."""
    if word in words:
        return 1.0
    long = inside and len(word) >= _SHORTEST_INSIDE
    return _INSIDE_SHARE if long and any(word in other for other in words) else 0.0


# The same chunks are candidates again and again.
@lru_cache(maxsize=50_000)
def stems(line: str) -> frozenset[str]:
    """The stems of the terms of a text."""
    return frozenset(stem(term) for term in terms(line))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without its commonest English endings; only compared with other stems."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word
