"""Where cited words stand in the text of a document as it was indexed. Knows no page and no index.

A citation names characters of the document as it was when it was cited. It may have been indexed anew since: then its
words are looked for, and the characters count only where these are not found.
"""

import re
from collections.abc import Sequence

from core.document_store import TextPiece

Span = tuple[int, int]


def spans_of(pieces: Sequence[TextPiece], quote: str, start: int | None, end: int | None) -> list[list[Span]]:
    """For each piece the parts to mark, as characters of its text, in order.

    `quote` is looked for with white space folded, in one piece after the other; of several places, the one nearest to
    `start` counts.
    """
    found = [(at, *span) for at, piece in enumerate(pieces) for span in _matches(piece.text, quote)]
    if found:
        wanted = start or 0
        at, first, last = min(found, key=lambda place: abs(pieces[place[0]].start + place[1] - wanted))
        return [[(first, last)] if number == at else [] for number in range(len(pieces))]
    if start is None or end is None:
        return [[] for _ in pieces]
    return [_overlap(piece, start, end) for piece in pieces]


def _matches(text: str, quote: str) -> list[Span]:
    words = quote.split()
    if not words:
        return []
    return [found.span() for found in re.finditer(r"\s+".join(map(re.escape, words)), text)]


def _overlap(piece: TextPiece, start: int, end: int) -> list[Span]:
    first, last = max(start - piece.start, 0), min(end - piece.start, len(piece.text))
    return [(first, last)] if first < last else []
