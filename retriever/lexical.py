"""Lexical search in a generation's snapshot: BM25 over terms, and exact look-up of identifiers. Knows no vectors."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from retriever.query import Query, quoted

# Weights of the columns defined, headings, body in BM25.
COLUMN_WEIGHTS = (2.0, 1.5, 1.0)
# An identifier in more chunks than this share is a common word that happens to be written in code.
_COMMON = 0.02
_MOST_TERMS = 48


@dataclass(frozen=True)
class LexicalIndex:
    """The lexical tables of one snapshot; `total` is its number of chunks. The caller serialises access."""

    connection: sqlite3.Connection
    total: int

    def search(self, query: Query, limit: int) -> list[tuple[int, float]]:
        """Chunk numbers with their BM25 score (higher is better), best first."""
        if not query.words:
            return []
        match = " OR ".join(quoted(word) for word in query.words[:_MOST_TERMS])
        rows = self.connection.execute(
            "SELECT rowid, -bm25(lexical, ?, ?, ?) AS score FROM lexical WHERE lexical MATCH ? ORDER BY score DESC, rowid LIMIT ?",
            (*COLUMN_WEIGHTS, match, limit),
        )
        return [(int(number), float(score)) for number, score in rows]

    def exact(self, names: Sequence[str], limit: int) -> dict[int, float]:
        """Chunks that define or contain identifiers, with a bonus of 0 to 1 each, larger for rarer names.

        A chunk that defines the name counts fully, one under a heading with it less, one that mentions it least.
        """
        bonus: dict[int, float] = {}
        for name in names:
            for column, share in (("defined", 1.0), ("headings", 0.6), ("body", 0.3)):
                match = f"{column} : {quoted(name)}"
                rows = self.connection.execute(
                    "SELECT rowid FROM lexical WHERE lexical MATCH ? ORDER BY bm25(lexical, 2, 1, 1), rowid LIMIT ?",
                    (match, limit + 1),
                ).fetchall()
                if not rows:
                    continue
                rarity = self._rarity(match) if len(rows) > limit else 1.0
                for (number,) in rows[:limit]:
                    bonus[number] = max(bonus.get(number, 0.0), share * rarity)
        return bonus

    def _rarity(self, match: str) -> float:
        (count,) = self.connection.execute("SELECT count(*) FROM lexical WHERE lexical MATCH ?", (match,)).fetchone()
        if count <= max(_COMMON * self.total, 20):
            return 1.0
        return max(0.0, math.log(self.total / count) / math.log(1 / _COMMON)) ** 2
