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


def best_line(text: str, headings: str, weights: Mapping[str, float]) -> float:
    """Share (0 to 1) of the question's words, by weight, that one line or sentence of `text` holds."""
    wanted: dict[str, float] = {}
    for word, weight in weights.items():
        wanted[stem(word)] = max(wanted.get(stem(word), 0.0), weight)
    total = sum(wanted.values())
    if not total:
        return 0.0
    above = _stems(headings)
    best = 0.0
    for line in _LINE.split(text):
        words = _stems(line)
        held = sum(
            weight if word in words else _HEADING_SHARE * weight
            for word, weight in wanted.items()
            if word in words or word in above
        )
        best = max(best, held)
    return best / total


# The same chunks are candidates again and again.
@lru_cache(maxsize=50_000)
def _stems(line: str) -> frozenset[str]:
    return frozenset(stem(term) for term in terms(line))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without its commonest English endings; only compared with other stems."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word
