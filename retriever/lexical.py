"""Lexical search in a generation's snapshot: BM25 over terms, and exact look-up of names. Knows no vectors."""

import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.terms import name_terms
from retriever.query import Query, quoted

# Weights of the columns defined, headings, body in BM25.
COLUMN_WEIGHTS = (2.0, 1.5, 1.0)
# Bonus of a chunk that defines a name of the question, by how; of one that only has it, by where.
DEFINES = 2.0
HOLDS = (("defined", 1.0), ("headings", 0.5), ("body", 0.2))
# A name that many chunks hold says little about each: its rarity is taken to this power.
_RARITY_POWER = 6
_MOST_TERMS = 48
# Counting goes so far and no further: beyond it, a term is common anyway.
_COUNT_LIMIT = 5000


@dataclass
class LexicalIndex:
    """The lexical tables of one snapshot; `total` is its number of chunks. The caller serialises access."""

    connection: sqlite3.Connection
    total: int
    _counts: dict[str, int] = field(default_factory=dict)

    def search(self, query: Query, limit: int) -> list[tuple[int, float]]:
        """Chunk numbers with their BM25 score (higher is better), best first."""
        if not query.words:
            return []
        match = " OR ".join(quoted(word) for word in query.words[:_MOST_TERMS])
        rows = self.connection.execute(
            "SELECT rowid, -bm25(lexical, ?, ?, ?) AS score FROM lexical WHERE lexical MATCH ? "
            "ORDER BY score DESC, rowid LIMIT ?",
            (*COLUMN_WEIGHTS, match, limit),
        )
        return [(int(number), float(score)) for number, score in rows]

    def rarity(self, words: Iterable[str]) -> dict[str, float]:
        """How rare each word is: 1 in a single chunk, towards 0 in all; 0 when nowhere."""
        return {word: self._rarity(quoted(word)) for word in words}

    def exact(self, query: Query, limit: int) -> dict[int, float]:
        """Chunks that define or hold names of the question, with a bonus of 0 to DEFINES.

        Larger the rarer the name, and the more of the question it is: in "What is DEBUG?" the name is what is asked
        for, in a whole sentence it may only be mentioned.
        """
        bonus: dict[int, float] = {}
        shares = self._shares(query)
        for name in query.names:
            share = shares[name]
            for term in name_terms(name):
                match = f"defined : {quoted(term)}"
                rarity = self._rarity(match)
                self._add(bonus, match, share * DEFINES * rarity, limit)
                if rarity and term.endswith(":caps"):
                    break
            anywhere = self._rarity(quoted(name.casefold())) ** _RARITY_POWER
            for column, weight in HOLDS:
                self._add(bonus, f"{column} : {quoted(name.casefold())}", share * weight * anywhere, limit)
        return bonus

    def _add(self, bonus: dict[int, float], match: str, value: float, limit: int) -> None:
        if value < 0.01:
            return
        rows = self.connection.execute(
            "SELECT rowid FROM lexical WHERE lexical MATCH ? ORDER BY bm25(lexical, 2, 1, 1), rowid LIMIT ?",
            (match, limit),
        )
        for (number,) in rows:
            bonus[number] = max(bonus.get(number, 0.0), value)

    def _shares(self, query: Query) -> dict[str, float]:
        """What part of the question each name is, by rarity; squared, so that mentions count little."""
        rest = sum(self.rarity(query.others).values())
        shares = {}
        for name in query.names:
            own = self._rarity(quoted(name.casefold())) or 1.0
            shares[name] = (own / (own + rest)) ** 2
        return shares

    def _rarity(self, match: str) -> float:
        if match not in self._counts:
            (count,) = self.connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT ?)", (match, _COUNT_LIMIT)
            ).fetchone()
            if len(self._counts) > 50_000:
                self._counts.clear()
            self._counts[match] = count
        count = self._counts[match]
        return math.log((self.total + 1) / count) / math.log(self.total + 1) if 0 < count <= self.total else 0.0
