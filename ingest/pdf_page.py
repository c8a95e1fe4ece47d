"""One page of a PDF as pdfminer lays it out: boxes of lines in reading order, and the rules and rectangles drawn on it.

Lines are split where a gap is wide, so that a row of a table shows its cells. Programs that stamp, join or shrink pages
put them into forms (pdfminer: figures), others their drawings: a form with running text, or with text all over, is read
like the page itself, and of the rest the words are kept as labels. Knows no headings and no tables.
"""

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# A gap wider than this many letter heights separates cells.
_WIDE_GAP = 0.9
# What pdfminer writes for glyphs without a character. A page of these has no text that can be read.
_UNMAPPED = re.compile(r"\(cid:\d+\)")
UNKNOWN = "\ufffd"
_THIN = 3.0
# A form is a page in the page when its text covers so much of it, or has so many lines of so many words.
_PAGE_SHARE, _RUNNING_LINES, _RUNNING_WORDS = 0.3, 3, 4
_MOST_LINES = 400
# A page below so large a picture is a scan: words in forms are stamps on it.
_SCAN_SHARE = 0.5

Lines = tuple["Line", ...]


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
    tilted: bool = False

    @property
    def text(self) -> str:
        """The line as one string."""
        return " ".join(span.text for span in self.spans)


@dataclass(frozen=True)
class Page:
    """Boxes (lists of lines) in reading order; horizontal rules as (y, x0, x1) and vertical ones as (x, y0, y1).

    `forms` says where in `boxes` those of a form begin; `labels` are boxes of stamps and drawings: neither headings nor
    tables.
    """

    boxes: tuple[Lines, ...]
    rules: tuple[tuple[float, float, float], ...]
    bars: tuple[tuple[float, float, float], ...]
    height: float
    width: float
    forms: tuple[int, ...] = ()
    labels: tuple[Lines, ...] = ()


def read_page(layout: Any) -> Page:
    """The page in pdfminer's `layout`."""
    boxes, starts = _boxes(layout), []
    labels: list[Lines] = []
    for form in _forms(layout):
        _lay_out(form)
        # Tilted letters would be a line each: watermarks, and names of axes.
        inside = [level for lines in _boxes(form) if (level := tuple(line for line in lines if not line.tilted))]
        if _is_page(inside, layout):
            starts.append(len(boxes))
            boxes += inside
        else:
            labels += inside
    if not boxes and not _is_scan(layout):
        boxes, labels = labels, []
    if _is_unmapped(boxes):
        boxes, starts = [], []
    if _is_unmapped(labels):
        labels = []
    rules: list[tuple[float, float, float]] = []
    bars: list[tuple[float, float, float]] = []
    for x0, y0, x1, y1 in _drawn(layout):
        if y1 - y0 > _THIN:
            bars += [(x0, y0, y1)] if x1 - x0 <= _THIN else [(x0, y0, y1), (x1, y0, y1)]
        if x1 - x0 > _THIN:
            rules += [(y0, x0, x1)] if y1 - y0 <= _THIN else [(y0, x0, x1), (y1, x0, x1)]
    return Page(tuple(boxes), tuple(rules), tuple(bars), layout.height, layout.width, tuple(starts), tuple(labels))


def _boxes(container: Any) -> list[Lines]:
    """Boxes of text that stand in a page or form itself, in reading order."""
    from pdfminer.layout import LTTextContainer

    found = (tuple(filter(None, map(_line, item))) for item in container if isinstance(item, LTTextContainer))
    return [lines for lines in found if lines]


def _forms(container: Any) -> Iterator[Any]:
    """The forms of a page, and those inside of them, as they are drawn."""
    from pdfminer.layout import LTFigure

    for item in container:
        if isinstance(item, LTFigure):
            yield item
            yield from _forms(item)


def _lay_out(form: Any) -> None:
    """Put the letters of a form into lines and boxes, which pdfminer does for the page itself alone."""
    from pdfminer.layout import LAParams, LTChar, LTLayoutContainer

    letters = [sign for sign in form if isinstance(sign, LTChar)]
    many = bool(letters) and sum(1 for _ in form.group_objects(LAParams(), letters)) > _MOST_LINES
    # To find the reading order takes minutes on a map: there the height on the page has to do.
    LTLayoutContainer.analyze(form, LAParams(boxes_flow=None if many else 0.5))


def _is_page(boxes: Sequence[Lines], layout: Any) -> bool:
    """Whether the text of a form is laid out like a page, or part of one, and no stamp or drawing."""
    lines = [line for box in boxes for line in box]
    if not lines:
        return False
    running = sum(len(line.text.split()) >= _RUNNING_WORDS for line in lines)
    if running >= max(_RUNNING_LINES, 0.5 * len(lines)):
        return True
    width = max(line.spans[-1].x1 for line in lines) - min(line.spans[0].x0 for line in lines)
    height = max(line.base + line.height for line in lines) - min(line.base for line in lines)
    return width * height >= _PAGE_SHARE * layout.width * layout.height


def _is_scan(layout: Any) -> bool:
    from pdfminer.layout import LTImage

    pictures = [item for form in _forms(layout) for item in form if isinstance(item, LTImage)]
    return any(item.width * item.height >= _SCAN_SHARE * layout.width * layout.height for item in pictures)


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
        words += _UNMAPPED.sub(UNKNOWN, sign.get_text())
        x1 = sign.x1
    spans.append(Span(" ".join(words.split()), x0, x1))
    bold = all(re.search(r"bold|black|heavy", letter.fontname, re.I) for letter in letters)
    tilted = any(abs(letter.matrix[1]) > abs(letter.matrix[0]) / 10 for letter in letters)
    return Line(tuple(spans), statistics.median(letter.y0 for letter in letters), height, bold, tilted)


def _is_unmapped(boxes: Sequence[Lines]) -> bool:
    text = "".join(line.text for lines in boxes for line in lines)
    return text.count(UNKNOWN) > 0.5 * len(text)
