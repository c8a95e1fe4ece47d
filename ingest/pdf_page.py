"""One page of a PDF as pdfminer lays it out: boxes of lines in reading order, and the rules and rectangles drawn on it.

Lines are split where a gap is wide, so that a row of a table shows its cells. Knows no headings and no tables.
"""

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A gap wider than this many letter heights separates cells.
_WIDE_GAP = 0.9
# Glyphs without a character; a page of these has no text that can be read.
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_THIN = 3.0


@dataclass(frozen=True)
class Span:
    """A stretch of a line without a wide gap: its text and its left and right edge."""

    text: str
    x0: float
    x1: float


@dataclass(frozen=True)
class Line:
    """A line of text: its spans from left to right, its baseline (points above the page's foot), its letter height."""

    spans: tuple[Span, ...]
    base: float
    height: float
    bold: bool

    @property
    def text(self) -> str:
        """The line as one string."""
        return " ".join(span.text for span in self.spans)


@dataclass(frozen=True)
class Page:
    """Boxes (lists of lines) in reading order; horizontal rules as (y, x0, x1) and vertical ones as (x, y0, y1)."""

    boxes: tuple[tuple[Line, ...], ...]
    rules: tuple[tuple[float, float, float], ...]
    bars: tuple[tuple[float, float, float], ...]
    height: float
    width: float


def read_page(layout: Any) -> Page:
    """The page in pdfminer's `layout`."""
    from pdfminer.layout import LTTextContainer

    boxes = []
    for item in layout:
        if isinstance(item, LTTextContainer):
            lines = tuple(line for line in map(_line, item) if line is not None)
            if lines:
                boxes.append(lines)
    if _is_unmapped(boxes):
        boxes = []
    rules: list[tuple[float, float, float]] = []
    bars: list[tuple[float, float, float]] = []
    for x0, y0, x1, y1 in _drawn(layout):
        if y1 - y0 > _THIN:
            bars += [(x0, y0, y1)] if x1 - x0 <= _THIN else [(x0, y0, y1), (x1, y0, y1)]
        if x1 - x0 > _THIN:
            rules += [(y0, x0, x1)] if y1 - y0 <= _THIN else [(y0, x0, x1), (y1, x0, x1)]
    return Page(tuple(boxes), tuple(rules), tuple(bars), layout.height, layout.width)


def _drawn(container: Any) -> Iterator[tuple[float, float, float, float]]:
    from pdfminer.layout import LTCurve, LTFigure

    for item in container:
        if isinstance(item, LTCurve):  # lines and rectangles are curves, too
            yield item.bbox
        elif isinstance(item, LTFigure):
            yield from _drawn(item)


def _line(line: Any) -> Line | None:
    from pdfminer.layout import LTChar

    # Vertical writing has no lines to be compared.
    signs = list(line) if hasattr(line, "__iter__") else []
    letters = [sign for sign in signs if isinstance(sign, LTChar) and sign.get_text().strip()]
    if not letters:
        return None
    height = statistics.median(letter.height for letter in letters)
    spans: list[Span] = []
    words, x0, x1 = "", letters[0].x0, letters[0].x0
    for sign in signs:
        if not sign.get_text().strip():
            words += " "
            continue
        if sign.x0 - x1 > _WIDE_GAP * height and words.strip():
            spans.append(Span(" ".join(words.split()), x0, x1))
            words, x0 = "", sign.x0
        words += sign.get_text()
        x1 = sign.x1
    spans.append(Span(" ".join(words.split()), x0, x1))
    bold = all(re.search(r"bold|black|heavy", letter.fontname, re.I) for letter in letters)
    return Line(tuple(spans), statistics.median(letter.y0 for letter in letters), height, bold)


def _is_unmapped(boxes: list[tuple[Line, ...]]) -> bool:
    text = "".join(line.text for lines in boxes for line in lines)
    return len("".join(_UNMAPPED.findall(text))) > 0.5 * len(text)
