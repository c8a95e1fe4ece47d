"""PDF to blocks: the text layer, page by page, tables as rows; pages without text are read by OCR or named.

unstructured's own PDF path cannot be imported without the layout models of `unstructured_inference`; so pdfminer.six
reads the layout: it keeps reading order, blocks and letter heights, which tell headings from text.
"""

import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO

from ingest.blocks import Block, Kind, ParsedDocument
from ingest.ocr import can_read, read_pages
from ingest.pdf_page import UNKNOWN, Line, Page, read_page
from ingest.pdf_tables import Table, find_tables

_MAX_HEADING_WORDS = 14
_BULLET = re.compile(r"(?:[-*•‣◦▪●–]|\(?\d{1,3}[.)])\s+\S")
# Running headers and footers stand in the outer tenth of a page.
_MARGIN = 0.1
_LEADERS = re.compile(r"(?:[ \t]*\.){5,}[ \t]*")
_CLEAN = {0: " ", ord(UNKNOWN): "", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def parse_pdf(data: bytes) -> ParsedDocument:
    """Parse a PDF. Raises ValueError when it is damaged, locked, or has no text that can be read here."""
    pages = _read(data)
    empty = [number for number, page in enumerate(pages, start=1) if not page.boxes]
    scanned = dict(read_pages(data, empty)) if empty and can_read() else {}
    read = [number for number in empty if scanned.get(number)]
    missing = [number for number in empty if number not in read]
    if len(missing) == len(pages):
        raise ValueError(
            f"no text layer on any of {len(pages)} pages (scanned?), and "
            + ("OCR found no words" if can_read() else "no OCR: install tesseract (apt-get install tesseract-ocr)")
        )
    notes = [f"read by OCR: {_list(read)}"] if read else []
    if missing and can_read():
        notes.append(f"no words found on {_list(missing)}")
    elif missing:
        notes.append(f"not read, without text (scanned? install tesseract for OCR): {_list(missing)}")
    return _Writer(pages, scanned).document("; ".join(notes))


def _read(data: bytes) -> list[Page]:
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LAParams
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfparser import PDFSyntaxError

    try:
        pages = [read_page(layout) for layout in extract_pages(BytesIO(data), laparams=LAParams())]
    except PDFPasswordIncorrect as error:
        raise ValueError("is locked with a password: save it without one") from error
    except (MemoryError, RecursionError):
        raise
    except PDFSyntaxError as error:
        raise ValueError(f"is a damaged PDF: {error}") from error
    except Exception as error:  # pdfminer raises anything on broken files
        raise ValueError(f"is a damaged PDF: {type(error).__name__}: {' '.join(str(error).split())[:150]}") from error
    if not pages:
        raise ValueError("is a damaged PDF: no pages found")
    return pages


def _list(numbers: Sequence[int]) -> str:
    """`page 3`, `pages 1, 4-6`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    words = ", ".join("-".join(map(str, span)) for span in spans)
    return f"page{'s' if len(numbers) > 1 else ''} {words}"


class _Writer:
    """Turns pages into the blocks of one document."""

    def __init__(self, pages: Sequence[Page], scanned: dict[int, list[str]]) -> None:
        self._pages, self._scanned = pages, scanned
        lines = [line for page in pages for box in page.boxes for line in box]
        self._body = _usual([line.height for line in lines], lines)
        self._bold_body = 2 * sum(len(line.text) for line in lines if line.bold) > sum(len(line.text) for line in lines)
        self._repeated = _repeated(pages)
        self._stamps = _on_most([set(_masked(page.labels)) for page in pages if page.boxes])
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._position = 0

    def document(self, notes: str) -> ParsedDocument:
        """All pages."""
        for number, page in enumerate(self._pages, start=1):
            for paragraph in self._scanned.get(number, ()):
                self._add("text", paragraph, number, f"page {number} (OCR)")
            for part in _parts(page):
                if isinstance(part, Table):
                    self._add_table(part, number)
                else:
                    self._add_box(part, number, page)
            if not self._scanned.get(number):  # whose words hold them already
                self._add_labels(page, number)
        title = next((block.label for block in self._blocks if block.kind == "heading"), "")
        return ParsedDocument("".join(self._pieces).removesuffix("\n"), tuple(self._blocks), title, notes)

    def _add_table(self, table: Table, number: int) -> None:
        if table.is_list:
            for (text,) in table.rows:
                self._add("item", _joined(text), number)
            return
        rows = [" | ".join(row).rstrip(" |") for row in table.rows]
        start = self._add("table", "\n".join(rows), number)
        self._blocks[-1] = Block(
            "table",
            start,
            self._blocks[-1].end,
            page=number,
            place=f"page {number}",
            head=(start, start + len(rows[0])),
        )

    def _add_box(self, box: Sequence[Line], number: int, page: Page) -> None:
        raw = "\n".join(line.text for line in box)
        if _mask(raw) in self._repeated and (len(self._pages) > 3 or _in_margin(box, page)):
            return
        words = len(raw.split())
        height = statistics.median(line.height for line in box)
        if words <= _MAX_HEADING_WORDS and height > 1.15 * self._body:
            self._add("heading", _joined(raw), number, level=1 if height > 1.6 * self._body else 2)
        elif words <= _MAX_HEADING_WORDS and self._reads_as_heading(box, raw):
            self._add("heading", _joined(raw), number, level=3)
        else:
            self._add("item" if _BULLET.match(raw) else "text", _joined(raw), number)

    def _add_labels(self, page: Page, number: int) -> None:
        """Words of stamps and drawings, in one block, but for those that stand on most pages."""
        texts = ("\n".join(line.text for line in box) for box in page.labels)
        kept = [text for text in texts if _mask(text) not in self._stamps or len(self._pages) <= 3]
        if kept:
            self._add("text", "\n".join(kept), number)

    def _reads_as_heading(self, box: Sequence[Line], text: str) -> bool:
        """A line in bold by itself, in a document whose text is not."""
        return (
            len(box) == 1 and box[0].bold and not self._bold_body and not text.endswith((".", ",", ":", ";", "!", "?"))
        )

    def _add(self, kind: Kind, text: str, number: int, place: str = "", level: int = 0) -> int:
        """Append a block, and return where it starts. The items of a list stand together, everything else apart."""
        text = text.translate(_CLEAN)
        if self._blocks and not (kind == "item" and self._blocks[-1].kind == "item"):
            self._pieces.append("\n")
            self._position += 1
        start, end = self._position, self._position + len(text)
        label = " ".join(text.split()) if level else ""
        self._blocks.append(Block(kind, start, end, level, label, number, place or f"page {number}"))
        self._pieces.append(f"{text}\n")
        self._position = end + 1
        return start


def _parts(page: Page) -> Iterator[Sequence[Line] | Table]:
    """The parts of the page itself, then of each form: rows of pages side by side are no table."""
    for start, end in itertools.pairwise((0, *page.forms, len(page.boxes))):
        yield from _parts_together(replace(page, boxes=page.boxes[start:end]))


def _parts_together(page: Page) -> Iterator[Sequence[Line] | Table]:
    """Boxes in reading order, with each table where its first line stands, and without the lines that it took."""
    owners = {id(line): table for table in find_tables(page) for line in table.lines}
    seen: set[int] = set()
    for box in page.boxes:
        rest: list[Line] = []
        for line in box:
            table = owners.get(id(line))
            if table is None:
                rest.append(line)
            elif id(table) not in seen:
                seen.add(id(table))
                yield from _paragraphs(rest)
                rest = []
                yield table
        yield from _paragraphs(rest)


def _paragraphs(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """Lines of a box, parted where letters change their size or weight, or where more space is left than usual."""
    steps = [above.base - below.base for above, below in itertools.pairwise(lines)]
    usual = statistics.median_low(steps) if steps else 0.0
    start = 0
    for index, (above, below) in enumerate(itertools.pairwise(lines), start=1):
        alike = abs(above.height - below.height) <= 0.12 * max(above.height, below.height) and above.bold == below.bold
        if not alike or steps[index - 1] > 1.3 * usual:
            yield lines[start:index]
            start = index
    if lines:
        yield lines[start:]


def _joined(text: str) -> str:
    """Words that were parted at the end of a line are whole again; of a row of dots three are left."""
    return re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", _LEADERS.sub(" ... ", text))


def _usual(heights: Sequence[float], lines: Sequence[Line]) -> float:
    """Height of most letters: the median over lines, weighted by length."""
    weighted = [height for height, line in zip(heights, lines, strict=True) for _ in range(1 + len(line.text) // 20)]
    return statistics.median(weighted) if weighted else 0.0


def _mask(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _masked(boxes: Sequence[Sequence[Line]]) -> list[str]:
    return [_mask("\n".join(line.text for line in box)) for box in boxes]


def _in_margin(box: Sequence[Line], page: Page) -> bool:
    return box[-1].base > (1 - _MARGIN) * page.height or box[0].base < _MARGIN * page.height


def _repeated(pages: Sequence[Page]) -> set[str]:
    """Running headers and footers: the first or last boxes of a page that stand on most pages, numbers aside."""
    texts = [_masked(page.boxes) for page in pages if page.boxes]
    return _on_most([{*boxes[:2], *boxes[-2:]} for boxes in texts])


def _on_most(texts: Sequence[set[str]]) -> set[str]:
    """What is in the sets of most pages; of a single page nothing."""
    if len(texts) < 2:
        return set()
    most = 0.6 * len(texts) if len(texts) > 3 else len(texts) - 0.5
    return {text for page in texts for text in page if sum(text in other for other in texts) > most}
