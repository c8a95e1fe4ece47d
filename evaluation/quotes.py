"""Quotes in answers: what stands in quotation marks, and whether it stands word for word in a passage."""

import re
from collections.abc import Sequence

from core.types import Passage

# Shorter ones are names and emphasis more often than quotes.
FEWEST_WORDS = 3
_QUOTED = re.compile(r"\"([^\"\n]{3,400})\"|“([^”\n]{3,400})”|„([^“”\n]{3,400})[“”]|«([^»\n]{3,400})»")


def quotes_in(text: str) -> list[str]:
    """The quotes of at least three words in `text`, without their marks."""
    found = [next(part for part in match.groups() if part) for match in _QUOTED.finditer(text)]
    return [quote for quote in found if len(quote.split()) >= FEWEST_WORDS]


def stands_in(quote: str, passages: Sequence[Passage]) -> bool:
    """Whether `quote` stands in a passage word for word, white space folded and without a mark that closes it."""
    wanted = _folded(quote).rstrip(".,;:!?…")
    return any(wanted in _folded(passage.text) for passage in passages)


def _folded(text: str) -> str:
    return " ".join(text.split())
