"""What the searches find for one question, before anything is weighed: ranks of dense and lexical search, names, lines.

Over one corpus or several, whose scores are made comparable by common statistics. The same for a served question and
for tuning, which weighs the same candidates many times. Knows no weights but how many hits to take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retriever.corpus_index import OpenCorpus, Row
from retriever.lines import best_line
from retriever.names import name_bonus
from retriever.query import Query
from retriever.rarity import Rarity
from retriever.where import Condition, compile_where

# A chunk of the corpora that are asked: which of them, and its number there.
Key = tuple[int, int]
Hits = list[tuple[Key, float]]

Way = Literal["full", "fused", "dense", "lexical"]


@dataclass(frozen=True)
class Candidates:
    """Hits of one question, best first, with what else speaks for them. `rows` holds every chunk named anywhere."""

    dense: Hits
    lexical: Hits
    names: dict[Key, float]
    rows: dict[Key, Row]
    words: Mapping[str, float]
    _lines: dict[Key, float] = field(default_factory=dict)

    def line(self, key: Key) -> float:
        """How much of the question the best line of a chunk holds, 0 to 1."""
        if key not in self._lines:
            row = self.rows[key]
            self._lines[key] = best_line(row["text"], row["headings"], self.words)
        return self._lines[key]


def compiled(where: Mapping | None, corpora: Sequence[OpenCorpus]) -> list[Condition | None]:
    """A filter for each corpus. Raises RetrievalError."""
    return [compile_where(where, corpus.name) if where else None for corpus in corpora]


def gather(
    corpora: Sequence[OpenCorpus],
    queries: Sequence[Query],
    vectors: Sequence[list[float]],
    limit: int,
    where: Mapping | None = None,
    way: Way = "full",
) -> list[Candidates]:
    """The candidates of each query; `vectors` is empty when dense search is left out. The locks are held.

    `way` leaves parts out, to measure what each contributes: `dense` or `lexical` alone, `fused` without names and
    lines.
    """
    conditions = compiled(where, corpora)
    rarity = Rarity([corpus.lexical for corpus in corpora])
    near = [
        corpus.nearest(vectors, limit, condition) if vectors else []
        for corpus, condition in zip(corpora, conditions, strict=True)
    ]
    found = []
    for position, query in enumerate(queries):
        dense: Hits = []
        lexical: Hits = []
        names: dict[Key, float] = {}
        for place, (corpus, condition) in enumerate(zip(corpora, conditions, strict=True)):
            inside = corpus.inside(condition)
            if near[place]:
                dense += [((place, number), score) for number, score in near[place][position]]
            if way != "dense":
                lexical += [
                    ((place, number), score) for number, score in corpus.lexical.search(query.words, limit, inside)
                ]
            if way == "full":
                bonus = name_bonus(query, corpus.lexical, rarity, inside)
                names |= {(place, number): value for number, value in bonus.items()}
        dense, lexical = _best(dense, limit), _best(lexical, limit)
        keys = {key for key, _ in dense} | {key for key, _ in lexical} | set(names)
        rows = {
            (place, number): row
            for place, corpus in enumerate(corpora)
            for number, row in corpus.rows(number for at, number in keys if at == place).items()
        }
        words = rarity.of_words(query.words) if way == "full" else {}
        found.append(Candidates(dense, lexical, names, rows, words))
    return found


def _best(hits: Hits, limit: int) -> Hits:
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit]
