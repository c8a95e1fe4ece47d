"""Names in a question: chunks that define them, and chunks that only have them. Knows no vectors.

What a name is worth grows with its rarity, and with its part of the question: in "What is DEBUG?" the name is what is
asked for, in a whole sentence it may only be mentioned.
"""

from core.terms import name_terms
from retriever.lexical import Inside, LexicalIndex
from retriever.query import Query, quoted
from retriever.rarity import Rarity

# Bonus of a chunk that defines a name of the question, by how; of one that only has it, by where.
DEFINES = 2.0
HOLDS = (("defined", 1.0), ("headings", 0.5), ("body", 0.2))
# A name that many chunks hold says little about each: its rarity is taken to this power.
_RARITY_POWER = 6
# Chunks that a name brings in by itself.
_MOST_CHUNKS = 6


def name_bonus(query: Query, index: LexicalIndex, rarity: Rarity, inside: Inside) -> dict[int, float]:
    """A bonus of 0 to DEFINES for chunks of `index` that define or hold names of the question."""
    bonus: dict[int, float] = {}

    def add(match: str, value: float) -> None:
        if value < 0.01:
            return
        for number in index.matching(match, _MOST_CHUNKS, inside):
            bonus[number] = max(bonus.get(number, 0.0), value)

    for name, share in _shares(query, rarity).items():
        for term in name_terms(name):
            match = f"defined : {quoted(term)}"
            rare = rarity.of_match(match)
            add(match, share * DEFINES * rare)
            if rare and term.endswith(":caps"):
                break
        anywhere = rarity.of_word(name.casefold()) ** _RARITY_POWER
        for column, weight in HOLDS:
            add(f"{column} : {quoted(name.casefold())}", share * weight * anywhere)
    return bonus


def _shares(query: Query, rarity: Rarity) -> dict[str, float]:
    """What part of the question each name is, by rarity; squared, so that mentions count little."""
    rest = sum(rarity.of_words(query.others).values())
    shares = {}
    for name in query.names:
        own = rarity.of_word(name.casefold()) or 1.0
        shares[name] = (own / (own + rest)) ** 2
    return shares
