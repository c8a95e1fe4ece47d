"""Slides: the title, then one slide per chapter with its bullets or its table."""

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..blocks import Block, Bullets, Document, Heading, Steps, Table, Text
from .archive import settle

_GREEN = (0x1F, 0x5C, 0x4D)


def write(document: Document) -> bytes:
    """The document as .pptx."""
    from pptx import Presentation

    deck: Any = Presentation()
    deck.core_properties.author = "Hestrel Energy Storage"
    deck.core_properties.title = document.title
    deck.core_properties.created = deck.core_properties.modified = datetime(2026, 6, 1, 8)
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = document.title
    first.placeholders[1].text = document.imprint
    for title, blocks in _slides(document):
        _add_slide(deck, title, blocks)
    for slide in deck.slides:
        _colour(slide.shapes.title)
    target = io.BytesIO()
    deck.save(target)
    return settle(target.getvalue())


def _slides(document: Document) -> Iterator[tuple[str, list[Block]]]:
    title, blocks = "", []
    for block in document.blocks:
        if isinstance(block, Heading):
            if title:
                yield title, blocks
            title, blocks = block.text, []
        else:
            blocks.append(block)
    if title:
        yield title, blocks


def _add_slide(deck: Any, title: str, blocks: list[Block]) -> None:
    tables = [block for block in blocks if isinstance(block, Table)]
    slide = deck.slides.add_slide(deck.slide_layouts[5 if tables else 1])
    slide.shapes.title.text = title
    for table in tables:
        _add_table(slide, table)
    if tables:
        return
    frame = slide.placeholders[1].text_frame
    lines = [line for block in blocks for line in _lines(block)]
    for number, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text = line
        _size(paragraph, 20)
        _mark(paragraph)


def _lines(block: Block) -> list[str]:
    match block:
        case Text(text):
            return [text]
        case Bullets(items):
            return list(items)
        case Steps(items):
            return [f"{number}. {item}" for number, item in enumerate(items, start=1)]
        case _:
            return []


def _add_table(slide: Any, table: Table) -> None:
    from pptx.util import Cm

    rows = (table.head, *table.rows)
    shape = slide.shapes.add_table(len(rows), len(table.head), Cm(1.5), Cm(4.5), Cm(22.4), Cm(1.1 * len(rows)))
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            cell = shape.table.cell(y, x)
            cell.text = str(value)
            _size(cell.text_frame.paragraphs[0], 15)


def _mark(paragraph: Any) -> None:
    """The bullet spelt out, not only inherited from the layout: readers of the file see a list then."""
    from pptx.oxml.ns import qn

    properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - python-pptx has no API for bullets
    bullet = properties.makeelement(qn("a:buChar"), {"char": "\u2022"})
    properties.append(bullet)


def _size(paragraph: Any, points: int) -> None:
    from pptx.util import Pt

    for run in paragraph.runs:
        run.font.size = Pt(points)


def _colour(shape: Any) -> None:
    from pptx.dml.color import RGBColor
    from pptx.util import Pt

    for run in shape.text_frame.paragraphs[0].runs:
        run.font.color.rgb = RGBColor(*_GREEN)
        run.font.size, run.font.bold = Pt(32), True
