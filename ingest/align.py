"""Finds where extracted elements stand in the text they were extracted from, word by word.

Elements come in order and without markup; the text has markup, link targets and comments between the words. So words
are compared, not characters, and words of the text may be skipped. Knows no format.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]+")
# Words of the text that may lie between two words of an element (the address of a link).
_GAP = 40
# A short element may not jump far: its words could stand anywhere.
_REACH_PER_WORD = 150
_PROBE = 6
_CANDIDATES = 12


def align(text: str, elements: Sequence[str]) -> list[tuple[int, int] | None]:
    """The span of each element in `text`, from its first to the end of its last word; None where it is not found."""
    words = [(m.start(), m.end(), m[0].casefold()) for m in _WORD.finditer(text)]
    places: dict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(words):
        places[word[2]].append(index)
    cursor = 0
    spans: list[tuple[int, int] | None] = []
    for element in elements:
        wanted = [m[0].casefold() for m in _WORD.finditer(element)]
        first = _find(wanted, places, cursor)
        if first is None:
            spans.append(None)
            continue
        last = _follow(wanted, places, first)
        spans.append((words[first][0], words[last][1]))
        cursor = last + 1
    return spans


def _next(places: dict[str, list[int]], word: str, start: int, reach: int) -> int | None:
    indexes = places.get(word)
    if not indexes:
        return None
    at = bisect_left(indexes, start)
    return indexes[at] if at < len(indexes) and indexes[at] < start + reach else None


def _find(wanted: Sequence[str], places: dict[str, list[int]], cursor: int) -> int | None:
    """Index of the word at which `wanted` begins: the first place where most of its first words follow each other."""
    if not wanted:
        return None
    probe = wanted[:_PROBE]
    reach = _REACH_PER_WORD * len(probe)
    # The first word may have been altered in extraction, so the next two may stand for it.
    for offset in range(min(3, len(probe))):
        start = cursor
        for _ in range(_CANDIDATES):
            index = _next(places, probe[offset], start, reach - (start - cursor))
            if index is None:
                break
            if _score(probe[offset + 1 :], places, index + 1) >= 0.7 * (len(probe) - offset - 1):
                return index
            start = index + 1
    return None


def _score(wanted: Sequence[str], places: dict[str, list[int]], start: int) -> int:
    found = 0
    for word in wanted:
        index = _next(places, word, start, _GAP if found else 4)
        if index is not None:
            found += 1
            start = index + 1
    return found


def _follow(wanted: Sequence[str], places: dict[str, list[int]], first: int) -> int:
    """Index of the last word of `wanted`, going through the text greedily and skipping what is not there."""
    last = first
    for word in wanted[1:]:
        index = _next(places, word, last + 1, _GAP)
        if index is not None:
            last = index
    return last
