"""Names in a question: chunks that define them, and chunks that only have them. Knows no vectors.

What a name is worth grows with its rarity, and with its part of the question: in "What is DEBUG?" the name is what is
asked for, in a whole sentence it may only be mentioned. A plain word counts as a name where the documents define it
("the cycle tag"); a function word only where the heading above its definition is asked for as well ("the for tag").
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.terms import name_terms, terms
from retriever.lexical import Inside, LexicalIndex
from retriever.query import Query, quoted
from retriever.rarity import Rarity

# Bonus of a chunk that defines a name of the question, by how; of one that only has it, by where.
DEFINES = 2.0
HOLDS = (("defined", 1.0), ("headings", 0.5), ("body", 0.2))
# What the definition of a plain word counts for, against that of a name; what one below an asked heading does.
_PLAIN = 0.4
_BELOW = 0.5
# A name that many chunks hold says little about each: its rarity is taken to this power.
_RARITY_POWER = 6
# Chunks that one name brings in by itself.
_MOST_CHUNKS = 20


@dataclass(frozen=True)
class _Name:
    """A name or word with the term that defines it (empty: nothing does); `kind` name, plain or function."""

    text: str
    kind: str
    term: str
    rarity: float


def name_bonus(query: Query, index: LexicalIndex, rarity: Rarity, inside: Inside) -> dict[int, float]:
    """A bonus of 0 to DEFINES for chunks of `index` that define or hold names of the question."""
    total: dict[int, float] = {}
    others = rarity.of_words(query.others)
    context = others | rarity.of_words(part for name in query.names for part in terms(name))
    for name in _names(query, rarity):
        own: dict[int, float] = {}
        for match, value in _matches(name, others, context, rarity):
            if value >= 0.01:
                for number in index.matching(match, _MOST_CHUNKS, inside):
                    own[number] = max(own.get(number, 0.0), value)
        for number, value in own.items():
            total[number] = min(DEFINES, total.get(number, 0.0) + value)
    return total


def _names(query: Query, rarity: Rarity) -> Iterator[_Name]:
    words = ((query.names, "name"), (query.others, "plain"), (query.function_words, "function"))
    for text, kind in ((text, kind) for group, kind in words for text in group):
        defining = name_terms(text) if kind == "name" else [f"{text}:is"]
        found = next(((term, rare) for term in defining if (rare := rarity.of_match(_defined(term)))), ("", 0.0))
        if found[0] or kind == "name":
            yield _Name(text, kind, *found)


def _matches(
    name: _Name, others: dict[str, float], context: dict[str, float], rarity: Rarity
) -> Iterator[tuple[str, float]]:
    """FTS5 expressions with what a chunk that matches them is worth."""
    own = max(name.rarity, rarity.of_word(name.text.casefold()) or 1.0)
    rest = sum(weight for word, weight in others.items() if word != name.text)

    def share(more: float = 0.0) -> float:
        # Squared, so that mentions count little.
        return min(1.0, (own + more) / (own + rest)) ** 2

    if name.kind == "name":
        # Without its exact form in capitals, a name is also defined as a word or as the last part of a path.
        defining = [name.term] if name.term.endswith(":caps") else name_terms(name.text)
        yield from ((_defined(term), share() * DEFINES * rarity.of_match(_defined(term))) for term in defining)
        anywhere = rarity.of_word(name.text.casefold()) ** _RARITY_POWER
        folded = quoted(name.text.casefold())
        yield from ((f"{column} : {folded}", share() * weight * anywhere) for column, weight in HOLDS)
    elif name.kind == "plain":
        yield _defined(name.term), _PLAIN * share() * DEFINES * name.rarity
    if name.term and name.kind != "plain":
        worth = _BELOW if name.kind == "name" else 1.0
        inner = set(terms(name.text))
        for word, weight in context.items():
            if word not in inner and weight:
                match = f"{_defined(name.term)} AND headings : {quoted(word)}"
                yield match, worth * share(others.get(word, 0.0)) * DEFINES * rarity.of_match(match)


def _defined(term: str) -> str:
    return f"defined : {quoted(term)}"
