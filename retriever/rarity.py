"""How rare words are in the corpora that are asked, together: what makes their scores comparable. Knows no question."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retriever.lexical import LexicalIndex
from retriever.query import quoted


@dataclass(frozen=True)
class Rarity:
    """Over one index or several as if they were one."""

    indexes: Sequence[LexicalIndex]

    def of_match(self, match: str) -> float:
        """1 for an FTS5 expression that a single chunk matches, towards 0 for one that all do; 0 when none does."""
        total = sum(index.total for index in self.indexes)
        count = sum(index.count(match) for index in self.indexes)
        return math.log((total + 1) / count) / math.log(total + 1) if 0 < count <= total else 0.0

    def of_word(self, word: str) -> float:
        """The same for a word anywhere."""
        return self.of_match(quoted(word))

    def of_words(self, words: Iterable[str]) -> dict[str, float]:
        """The same for several words."""
        return {word: self.of_word(word) for word in words}
