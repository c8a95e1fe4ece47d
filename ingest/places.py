"""Where a chunk stands, in the words of its format: lines, rows of a sheet, a slide, a page, the path in a JSON file.

Knows blocks, not how they were cut.
"""

from bisect import bisect_right
from collections.abc import Sequence

from ingest.blocks import Block, ParsedDocument
from ingest.formats import VERBATIM

_LONGEST = 80


class Places:
    """The places of one document."""

    def __init__(self, document: ParsedDocument) -> None:
        self._text = document.text
        self._starts = [block.start for block in document.blocks]
        self._has_lines = document.format in VERBATIM
        self._ends = [at for at, character in enumerate(self._text) if character == "\n"] if self._has_lines else []

    def lines(self, start: int, end: int) -> tuple[int, int] | tuple[None, None]:
        """First and last line of `text[start:end]`, from 1, in formats that keep the lines of their file."""
        if not self._has_lines:
            return None, None
        return bisect_right(self._ends, start - 1) + 1, bisect_right(self._ends, max(start, end - 1) - 1) + 1

    def of(self, blocks: Sequence[Block]) -> str:
        """The place of a run of blocks: that of its text, or of its headings if there is no more."""
        body = [block for block in blocks if block.kind != "heading" and block.place] or blocks
        first, last = body[0].place, body[-1].place
        place = first if first == last or not last else _span(first, last)
        first_row = next((block.row for block in blocks if block.row is not None), None)
        if first_row is None:
            return place
        ending = next(block for block in reversed(blocks) if block.row is not None)
        lines = self._text[ending.start : ending.end].rstrip("\n").count("\n")
        last_row = (ending.row or 0) + lines
        rows = f"row {first_row}" if first_row == last_row else f"rows {first_row}-{last_row}"
        return f"{place}, {rows}" if place else rows

    def locator(self, place: str, headings: Sequence[str], start: int, end: int) -> str:
        """One short line for people and prompts: the place and the last two headings.

        Where there is neither, the lines of `text[start:end]`, or the paragraphs where lines mean nothing to readers.
        """
        if place:
            where = " > ".join(heading for heading in headings[-2:] if heading not in place)
            return f"{place}: {where}" if where and not self._has_lines else _shorten(place)
        where = " > ".join(headings[-2:])
        if where:
            return where
        first, last = self.lines(start, end)
        if first is None or last is None:
            first, last = (max(bisect_right(self._starts, at), 1) for at in (start, end - 1))
        unit = "line" if self._has_lines else "paragraph"
        return f"{unit} {first}" if first == last else f"{unit}s {first}-{last}"


def _span(first: str, last: str) -> str:
    """`products[3]` and `products[5]` are `products[3-5]`; what shares no beginning is named by both ends."""
    stem, _, number = first.rpartition("[")
    other, _, until = last.rpartition("[")
    if stem and stem == other and number.rstrip("]").isdigit() and until.rstrip("]").isdigit():
        return f"{stem}[{number.rstrip(']')}-{until}"
    common = 0
    ours, theirs = first.split(" > "), last.split(" > ")
    while common < min(len(ours), len(theirs)) - 1 and ours[common] == theirs[common]:
        common += 1
    return f"{first} to {' > '.join(theirs[common:])}"


def _shorten(place: str) -> str:
    return place if len(place) <= _LONGEST else f"{place[: _LONGEST // 2 - 1]}…{place[-_LONGEST // 2 :]}"
