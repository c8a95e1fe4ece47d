"""Blocks of formats whose text has to be extracted: the text is unstructured's, element after element.

Spans count in that extracted text. Tables become one line per row, cells apart by ` | `. Knows element categories and
metadata, not how they came about.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from ingest.blocks import Block, Kind, ParsedDocument
from ingest.html_tables import plain_cells

# Language detection is ten times slower than parsing, and nothing here needs it.
NO_LANGUAGE = [""]
_KINDS: dict[str, Kind] = {"ListItem": "item", "Table": "table", "CodeSnippet": "code"}
# Repeated on every page, or without words.
_DROPPED = frozenset({"PageBreak", "Header", "Footer", "PageNumber", "Image"})
_PLACES: dict[str, str] = {"pptx": "slide", "docx": "page"}
_LONGEST_HEADING = 200
_NUMBERED = re.compile(r"\(?\d{1,3}[.)]\s+\S")
# What no store and no prompt should meet: NUL, and halves of characters.
_CLEAN = {0: " ", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def to_document(
    elements: Sequence[Any], kind: str, source: str, titles: frozenset[str] = frozenset()
) -> ParsedDocument:
    """Join unstructured elements to a document.

    `titles` are headings that stand above all others; one that is no element's text is still the title of them all.
    """
    pieces: list[str] = []
    unseen = set(titles) - {element.text.strip() for element in elements if element.category == "Title"}
    blocks: list[Block] = []
    if titles and not any(element.text.strip() in titles for element in elements):
        blocks.append(Block("heading", 0, 0, 1, min(titles)))
    position = 0
    page: int | None = None
    for element in elements:
        text, head_lines = _table_text(element) if element.category == "Table" else (element.text.strip("\n"), 0)
        text = (text if element.category == "CodeSnippet" else text.strip()).translate(_CLEAN)
        if not text.strip() or element.category in _DROPPED:
            continue
        level = 0 if kind == "pptx" and element.metadata.page_number == page else _level(element, text, titles)
        if text in unseen:
            unseen.remove(text)
            level = 1
        category: Kind = "heading" if level else _KINDS.get(element.category, "text")
        if category == "text" and _NUMBERED.match(text):
            category = "item"
        if pieces and not (category == "item" and blocks[-1].kind == "item"):
            position += 1  # the items of a list stand together, everything else apart
            pieces.append("\n")
        # On slides only the title is a heading, and it comes first: other short lines are not.
        if kind == "pptx" and element.metadata.page_number != page and not level:
            # A slide without a title does not belong under the one before.
            blocks.append(_block("heading", position, "", element, kind, 1))
        page = element.metadata.page_number
        block = _block(category, position, text, element, kind, level)
        if head_lines:
            head = (position, position + len("\n".join(text.split("\n")[:head_lines])))
            block = Block(block.kind, block.start, block.end, page=block.page, place=block.place, head=head)
        blocks.append(block)
        pieces.append(f"{text}\n")
        position = block.end + 1
    title = next((b.label for b in blocks if b.label), PurePosixPath(source).stem)
    return ParsedDocument("".join(pieces).removesuffix("\n"), tuple(blocks), title)


def _block(category: Kind, position: int, text: str, element: Any, kind: str, level: int) -> Block:
    page = element.metadata.page_number if kind in _PLACES else None
    place = "" if page is None else f"{_PLACES[kind]} {page}"
    return Block(category, position, position + len(text), level, " ".join(text.split()) if level else "", page, place)


def _level(element: Any, text: str, titles: frozenset[str]) -> int:
    """Level of a heading, 0 for what is none."""
    if element.category != "Title" or len(text) > _LONGEST_HEADING:
        return 0
    depth = 1 + (element.metadata.category_depth or 0)
    return depth if not titles else 1 if text in titles else depth + 1


def _table_text(element: Any) -> tuple[str, int]:
    """Rows of a table as lines, and how many of them are caption and header."""
    html = element.metadata.text_as_html
    if not html:
        return element.text, 1
    from lxml import html as parser

    root = parser.fragment_fromstring(html, create_parent=True)
    for table in root.iter("table"):
        plain_cells(table)
    lines = [_words(caption) for caption in root.iter("caption")]
    captions = len(lines)
    for row in root.iter("tr"):
        cells = [_words(cell) for cell in row if cell.tag in ("td", "th")]
        if any(cells):
            lines.append(" | ".join(cells).rstrip(" |"))
    return ("\n".join(lines), captions + 1) if lines else (element.text, 1)


def _words(cell: Any) -> str:
    return " ".join(" ".join(cell.itertext()).split())
