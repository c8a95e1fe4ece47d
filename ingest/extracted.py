"""Blocks of formats whose text has to be extracted: the text is unstructured's, element after element.

Spans count in that extracted text. Tables become one line per row, cells apart by ` | `. Knows element categories and
metadata, not how they came about.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from ingest.blocks import Block, Kind, ParsedDocument
from ingest.formats import Format

_KINDS: dict[str, Kind] = {"ListItem": "item", "Table": "table", "CodeSnippet": "code"}
# Repeated on every page, or without words.
_DROPPED = frozenset({"PageBreak", "Header", "Footer", "PageNumber", "Image"})
_PLACES: dict[str, str] = {"pptx": "slide", "pdf": "page", "docx": "page"}


def to_document(elements: Sequence[Any], kind: Format, source: str) -> ParsedDocument:
    """Join unstructured elements to a document."""
    pieces: list[str] = []
    blocks: list[Block] = []
    position = 0
    for element in elements:
        text = _table_text(element) if element.category == "Table" else element.text.strip()
        if not text or element.category in _DROPPED:
            continue
        page = element.metadata.page_number
        place = _place(element, kind, page)
        heading = element.category == "Title" and len(text) <= 200
        level = 1 + (element.metadata.category_depth or 0) if heading else 0
        label = " ".join(text.split()) if heading else ""
        end = position + len(text)
        category: Kind = "heading" if heading else _KINDS.get(element.category, "text")
        head_end = position + len(text.split("\n", 1)[0]) if category == "table" else 0
        blocks.append(Block(category, position, end, level, label, page, place, head_end))
        pieces.append(text)
        position = end + 2
    title = next((b.label for b in blocks if b.kind == "heading"), PurePosixPath(source).stem)
    return ParsedDocument("\n\n".join(pieces), tuple(blocks), title)


def _place(element: Any, kind: Format, page: int | None) -> str:
    if element.metadata.page_name:
        return f"sheet {element.metadata.page_name}"
    if page is None or kind not in _PLACES:
        return ""
    return f"{_PLACES[kind]} {page}"


def _table_text(element: Any) -> str:
    html = element.metadata.text_as_html
    if not html:
        return element.text.strip()
    from lxml import html as parser

    rows = []
    for row in parser.fragment_fromstring(html, create_parent=True).iter("tr"):
        cells = [re.sub(r"\s+", " ", cell.text_content()).strip() for cell in row if cell.tag in ("td", "th")]
        if any(cells):
            rows.append(" | ".join(cells))
    return "\n".join(rows) or element.text.strip()
