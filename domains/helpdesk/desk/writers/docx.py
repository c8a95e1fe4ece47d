"""Word documents: styles, tables, real page breaks, a running header and footer with page numbers."""

import io
from datetime import datetime
from typing import Any

from ..blocks import Bullets, Document, Heading, PageBreak, Steps, Table, Text
from .archive import settle

_GREEN = (0x1F, 0x5C, 0x4D)


def write(document: Document) -> bytes:
    """The document as .docx. Its title is the one heading of level 1, so that every other stands under it."""
    import docx
    from docx.shared import Cm, Pt, RGBColor

    file = docx.Document()
    file.core_properties.author = "Hestrel Energy Storage"
    file.core_properties.title = document.title
    file.core_properties.comments = ""
    file.core_properties.created = file.core_properties.modified = datetime(2026, 6, 1, 8)
    for side in ("left_margin", "right_margin"):
        setattr(file.sections[0], side, Cm(2.2))
    file.styles["Normal"].font.name = "Calibri"  # type: ignore[attr-defined]
    file.styles["Normal"].font.size = Pt(10.5)  # type: ignore[attr-defined]
    for name in ("Heading 1", "Heading 2", "Heading 3"):
        font = file.styles[name].font  # type: ignore[attr-defined]
        font.name, font.color.rgb = "Calibri", RGBColor(*_GREEN)
    file.styles["Heading 1"].font.size = Pt(22)  # type: ignore[attr-defined]
    _furnish(file, document)
    file.add_heading(document.title, level=1)
    if document.imprint:
        file.add_paragraph(document.imprint).runs[0].italic = True
    for block in document.blocks:
        _add(file, block)
    _mark_pages(file)
    target = io.BytesIO()
    file.save(target)
    return settle(target.getvalue())


def _furnish(file: Any, document: Document) -> None:
    """Running header, and a footer that counts pages."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    section = file.sections[0]
    section.header.paragraphs[0].text = f"Hestrel Energy Storage\t\t{document.title}"
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    footer.add_run("Page ")
    run = footer.add_run()
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        mark = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark.text = text
        run._r.append(mark)  # noqa: SLF001 - python-docx has no API for fields
    for paragraph in (section.header.paragraphs[0], footer):
        for part in paragraph.runs:
            part.font.size = Pt(8)


def _add(file: Any, block: object) -> None:
    match block:
        case Heading(text, level):
            file.add_heading(text, level=level)
        case Text(text):
            file.add_paragraph(text)
        case Bullets(items):
            for item in items:
                file.add_paragraph(item, style="List Bullet")
        case Steps(items):
            for number, item in enumerate(items, start=1):
                file.add_paragraph(f"{number}. {item}")
        case Table():
            _add_table(file, block)
        case PageBreak():
            file.add_page_break()


def _mark_pages(file: Any) -> None:
    """Note where pages begin, as Word does when it saves: readers of the file take page numbers from these marks."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    breaks = [p for p in file.paragraphs if p._p.xpath('.//w:br[@w:type="page"]')]  # noqa: SLF001 - no API for it
    for paragraph in breaks:
        after = paragraph._p.getnext()  # noqa: SLF001
        run = after.find(qn("w:r"))
        run.insert(0, OxmlElement("w:lastRenderedPageBreak"))


def _add_table(file: Any, table: Table) -> None:
    grid = file.add_table(rows=0, cols=len(table.head), style="Light Grid Accent 3")
    for row in (table.head, *table.rows):
        for cell, value in zip(grid.add_row().cells, row, strict=True):
            cell.text = str(value)
    file.add_paragraph()
