"""Lexical search in a generation's snapshot: BM25 over terms, and counts. Knows no vectors and no question."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from retriever.query import quoted

# Weights of the columns defined, headings, body in BM25.
COLUMN_WEIGHTS = (2.0, 1.5, 1.0)
_MOST_TERMS = 48
# Counting goes so far and no further: beyond it, a term is common anyway.
_COUNT_LIMIT = 5000

# A condition on the rowid, compiled from a filter, and its parameters.
Inside = tuple[str, list[Any]]
ANYWHERE: Inside = ("", [])


@dataclass
class LexicalIndex:
    """The lexical tables of one snapshot; `total` is its number of chunks. The caller serialises access."""

    connection: sqlite3.Connection
    total: int
    _counts: dict[str, int] = field(default_factory=dict)

    def search(self, words: Sequence[str], limit: int, inside: Inside = ANYWHERE) -> list[tuple[int, float]]:
        """Chunk numbers with their BM25 score (higher is better), best first."""
        if not words:
            return []
        match = " OR ".join(quoted(word) for word in words[:_MOST_TERMS])
        test, values = inside
        rows = self.connection.execute(
            "SELECT rowid, -bm25(lexical, ?, ?, ?) AS score FROM lexical WHERE lexical MATCH ? "  # noqa: S608 - compiled
            f"{test} ORDER BY score DESC, rowid LIMIT ?",
            (*COLUMN_WEIGHTS, match, *values, limit),
        )
        return [(int(number), float(score)) for number, score in rows]

    def matching(self, match: str, limit: int, inside: Inside = ANYWHERE) -> list[int]:
        """Chunks that match an FTS5 expression, best first."""
        test, values = inside
        rows = self.connection.execute(
            "SELECT rowid FROM lexical WHERE lexical MATCH ? "  # noqa: S608 - compiled
            f"{test} ORDER BY bm25(lexical, 2, 1, 1), rowid LIMIT ?",
            (match, *values, limit),
        )
        return [int(number) for (number,) in rows]

    def count(self, match: str) -> int:
        """How many chunks match an FTS5 expression; counted no further than a few thousand."""
        if match not in self._counts:
            (count,) = self.connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM lexical WHERE lexical MATCH ? LIMIT ?)", (match, _COUNT_LIMIT)
            ).fetchone()
            if len(self._counts) > 50_000:
                self._counts.clear()
            self._counts[match] = count
        return self._counts[match]
