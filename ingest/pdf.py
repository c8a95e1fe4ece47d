"""PDF to blocks: the text layer, page by page. Pages without one are named; a PDF without any is an error.

unstructured's own PDF path cannot be imported without the layout models of `unstructured_inference`; so pdfminer.six
reads the layout: it keeps reading order, blocks and letter heights, which tell headings from text.
"""

import re
import statistics
from io import BytesIO
from typing import Any

from ingest.blocks import Block, Kind, ParsedDocument

_MAX_HEADING_WORDS = 14
_BULLET = re.compile(r"(?:[-*•‣◦▪●–]|\(?\d{1,3}[.)])\s+\S")


def parse_pdf(data: bytes) -> ParsedDocument:
    """Parse the text layer of a PDF. Raises ValueError when it is damaged, locked or has no text."""
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfparser import PDFSyntaxError

    if b"%PDF" not in data[:1024]:
        raise ValueError("is not a PDF: damaged, or another format under this name")
    try:
        pages = _pages(data)
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
    empty = [number for number, boxes in enumerate(pages, start=1) if not boxes]
    if len(empty) == len(pages):
        raise ValueError(f"no text layer on any of {len(pages)} pages (scanned?): run OCR over it first")
    return _document(pages, empty)


def _pages(data: bytes) -> list[list[tuple[str, float]]]:
    """Per page its text boxes in reading order, with the height of their letters."""
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LAParams, LTTextContainer

    pages = []
    for page in extract_pages(BytesIO(data), laparams=LAParams()):
        boxes = [(item.get_text().strip(), _letter_height(item)) for item in page if isinstance(item, LTTextContainer)]
        pages.append([(text, height) for text, height in boxes if text])
    return pages


def _letter_height(box: Any) -> float:
    heights = [line.height for line in box if hasattr(line, "height")]
    return statistics.median(heights) if heights else 0.0


def _document(pages: list[list[tuple[str, float]]], empty: list[int]) -> ParsedDocument:
    body = _body_height(pages)
    repeated = _repeated(pages)
    pieces: list[str] = []
    blocks: list[Block] = []
    position = 0
    for number, boxes in enumerate(pages, start=1):
        for raw, height in boxes:
            if _mask(raw) in repeated:
                continue
            text = re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", raw)
            heading = height > 1.15 * body and len(text.split()) <= _MAX_HEADING_WORDS
            kind: Kind = "heading" if heading else "text"
            if kind == "text" and _BULLET.match(text):
                kind = "item"
            end = position + len(text)
            label = " ".join(text.split()) if heading else ""
            level = (1 if height > 1.6 * body else 2) if heading else 0
            blocks.append(Block(kind, position, end, level, label, number, f"page {number}"))
            pieces.append(text)
            position = end + 2
    notes = f"pages without text (scanned?): {', '.join(map(str, empty))}" if empty else ""
    title = next((b.label for b in blocks if b.kind == "heading"), "")
    return ParsedDocument("\n\n".join(pieces), tuple(blocks), title, notes)


def _body_height(pages: list[list[tuple[str, float]]]) -> float:
    """Height of most letters: the median over boxes, weighted by length."""
    heights = [height for boxes in pages for text, height in boxes for _ in range(1 + len(text) // 20)]
    return statistics.median(heights)


def _mask(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _repeated(pages: list[list[tuple[str, float]]]) -> set[str]:
    """Running headers and footers: the first or last boxes of a page that stand on most pages, numbers aside."""
    if len(pages) < 4:
        return set()
    edges = [{_mask(text) for text, _ in [*boxes[:2], *boxes[-2:]]} for boxes in pages]
    return {text for edge in edges for text in edge if sum(text in other for other in edges) > 0.6 * len(pages)}
