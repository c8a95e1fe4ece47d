"""Texts that say almost the same: Jaccard of word shingles, weighted by rarity. No embedding, no meaning.

Weighting keeps questions made from one template apart ("When do I prune quince?", "... heather?"): what they share is
common in the set, what sets them apart is rare. Texts that name other identifiers or numbers are never near. The search
is exact: no such pair above the threshold is missed.
"""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from core.answer_text import fold
from core.terms import identifiers, terms

NEAR = 0.75
# Signs that change what is asked: `{% now %}` is no `|now`. Sentence punctuation does not.
_SIGNS = re.compile(r"[^\w\s.,;:!?'\"()\-‘’“”…]+")

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?!\w)")


def shingles(text: str) -> frozenset[str]:
    """Terms and signs of `text`, and pairs of neighbouring terms; case and sentence punctuation do not count."""
    found = terms(text) or fold(text).split()
    return frozenset(found) | frozenset(_SIGNS.findall(text)) | {f"{a} {b}" for a, b in itertools.pairwise(found)}


def names_and_numbers(text: str) -> frozenset[str]:
    """What a text cannot say in other words: identifiers (case folded) and numbers."""
    return frozenset(name.casefold() for name in identifiers(text)) | frozenset(_NUMBER.findall(text))


class NearTexts:
    """A growing set of texts that finds what is near to a text. Numbers count from 0 in the order of adding.

    Rarity is counted over `texts`, what the set is made with; a shingle that is not there is as rare as can be.
    """

    def __init__(self, texts: Iterable[str], threshold: float = NEAR) -> None:
        self.threshold = threshold
        self._sets: list[frozenset[str]] = []
        self._names: list[frozenset[str]] = []
        self._holders: dict[str, list[int]] = defaultdict(list)
        texts = list(texts)
        sets = [shingles(text) for text in texts]
        counts = Counter(shingle for found in sets for shingle in found)
        self._top = 1 + math.log(len(sets) + 2)
        self._weights = {shingle: 1 + math.log((len(sets) + 2) / count) for shingle, count in counts.items()}
        for found, text in zip(sets, texts, strict=True):
            self._add(found, names_and_numbers(text))

    def add(self, text: str) -> None:
        """Add one text."""
        self._add(shingles(text), names_and_numbers(text))

    def near(self, text: str) -> list[tuple[int, float]]:
        """Texts of the set at least `threshold` alike, with their likeness, most alike first."""
        return self._near(shingles(text), names_and_numbers(text), len(self._sets))

    def pairs(self) -> Iterator[tuple[int, int, float]]:
        """Every pair of the set that is near, as (earlier, later, likeness)."""
        for number, (found, names) in enumerate(zip(self._sets, self._names, strict=True)):
            for other, likeness in sorted(self._near(found, names, number)):
                yield other, number, likeness

    def _add(self, found: frozenset[str], names: frozenset[str]) -> None:
        for shingle in found:
            self._holders[shingle].append(len(self._sets))
        self._sets.append(found)
        self._names.append(names)

    def _near(self, found: frozenset[str], names: frozenset[str], before: int) -> list[tuple[int, float]]:
        total = self._weight(found)
        # Whoever shares `threshold` of the weight shares one of the rarest, beyond which less than that is left.
        left, candidates = total, set[int]()
        for shingle in sorted(found, key=lambda s: (-self._weights.get(s, self._top), s)):
            if left < self.threshold * total:
                break
            candidates.update(n for n in self._holders.get(shingle, ()) if n < before)
            left -= self._weights.get(shingle, self._top)
        # QUINCE shouted is still quince: a name counts as the same where the other text has it as any word.
        same = (n for n in candidates if names <= self._sets[n] and self._names[n] <= found)
        scored = ((n, self._likeness(found, total, self._sets[n])) for n in same)
        return sorted(((n, s) for n, s in scored if s >= self.threshold), key=lambda item: (-item[1], item[0]))

    def _likeness(self, left: frozenset[str], weight: float, right: frozenset[str]) -> float:
        shared = self._weight(left & right)
        union = weight + self._weight(right) - shared
        return shared / union if union else 1.0

    def _weight(self, found: Iterable[str]) -> float:
        return sum(self._weights.get(shingle, self._top) for shingle in found)


def question_key(question: str) -> str:
    """A question without what does not change it: case, white space, the sign at its end."""
    return " ".join(question.casefold().split()).rstrip(" ?.!")


def near_across(
    texts: Sequence[str], others: Sequence[str], threshold: float = NEAR
) -> Iterator[tuple[int, int, float]]:
    """Pairs (number in `texts`, number in `others`, likeness) that are near across the two lists."""
    known = NearTexts([*texts, *others], threshold)
    for left, right, likeness in known.pairs():
        if left < len(texts) <= right:
            yield left, right - len(texts), likeness
