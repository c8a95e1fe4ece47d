"""PDF manuals with reportlab: headings larger than the body, running header and footer, tables.

A table row is one line of text, cells apart by one stretched space: whoever copies a row out of the PDF, or reads its
text layer, gets the row and not the columns one after the other.
"""

import io
from collections.abc import Sequence
from typing import Any

from ..blocks import Block, Bullets, Document, Heading, PageBreak, Steps, Table, Text

_GREEN, _GREY, _PALE, _WHITE, _BLACK = "#1f5c4d", "#777777", "#eef4f1", "#ffffff", "#222222"
_BODY, _SMALL = 10, 9
_MARGIN = 1.6  # centimetres
MISSING = "the PDF manuals need reportlab, which only this generator uses: pip install reportlab"


def write(document: Document) -> bytes:
    """The document as .pdf. Raises SystemExit when reportlab is missing."""
    try:
        from reportlab.lib.pagesizes import A5
        from reportlab.lib.units import cm
        from reportlab.platypus import SimpleDocTemplate
    except ModuleNotFoundError as error:
        raise SystemExit(MISSING) from error
    target = io.BytesIO()
    template = SimpleDocTemplate(
        target,
        pagesize=A5,
        leftMargin=_MARGIN * cm,
        rightMargin=_MARGIN * cm,
        topMargin=2.0 * cm,
        bottomMargin=1.9 * cm,
        title=document.title,
        author="Hestrel Energy Storage",
        invariant=1,
    )

    def furnish(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(_GREY)
        width, height = A5
        canvas.drawString(_MARGIN * cm, height - 1.1 * cm, f"Hestrel Energy Storage | {document.title}")
        canvas.drawRightString(width - _MARGIN * cm, 1.3 * cm, f"Page {page.page}")
        canvas.setStrokeColor(_GREEN)
        canvas.line(_MARGIN * cm, height - 1.3 * cm, width - _MARGIN * cm, height - 1.3 * cm)
        canvas.restoreState()

    template.build(_story(document), onFirstPage=furnish, onLaterPages=furnish)
    return target.getvalue()


def _story(document: Document) -> list[Any]:
    from reportlab.platypus import Paragraph

    styles = _styles()
    story: list[Any] = [Paragraph(_safe(document.title), styles["title"])]
    if document.imprint:
        story.append(Paragraph(_safe(document.imprint), styles["imprint"]))
    for block in document.blocks:
        story += _flowables(block, styles)
    return story


def _styles() -> dict[str, Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle

    def style(name: str, **settings: Any) -> Any:
        basis = {"fontName": "Helvetica", "fontSize": _BODY, "leading": 14, "spaceAfter": 7}
        return ParagraphStyle(name, **(basis | settings))

    bold, green = "Helvetica-Bold", HexColor(_GREEN)
    return {
        "body": style("body"),
        "imprint": style("imprint", textColor=HexColor(_GREY), spaceAfter=14),
        "title": style(
            "title",
            fontName=bold,
            fontSize=22,
            leading=28,
            spaceBefore=6,
            spaceAfter=16,
            textColor=HexColor(_WHITE),
            backColor=green,
            borderPadding=(10, 8, 12, 8),
        ),
        "chapter": style("chapter", fontName=bold, fontSize=14, leading=19, spaceBefore=12, textColor=green),
        "section": style("section", fontName=bold, fontSize=12, leading=16, spaceBefore=9),
        "item": style("item", leftIndent=14, firstLineIndent=-14, spaceAfter=3),
    }


def _flowables(block: Block, styles: dict[str, Any]) -> list[Any]:
    from reportlab.platypus import PageBreak as NewPage
    from reportlab.platypus import Paragraph, Spacer

    match block:
        case Heading(text, level):
            style = styles["chapter" if level == 2 else "section"].clone("kept", keepWithNext=1)
            return [Paragraph(_safe(text), style)]
        case Text(text):
            return [Paragraph(_safe(text), styles["body"])]
        case Bullets(items):
            return [*(Paragraph(f"\u2013 {_safe(item)}", styles["item"]) for item in items), Spacer(1, 6)]
        case Steps(items):
            lines = (f"{number}. {_safe(item)}" for number, item in enumerate(items, start=1))
            return [*(Paragraph(line, styles["item"]) for line in lines), Spacer(1, 6)]
        case Table(head, rows):
            return [_grid([head, *rows]), Spacer(1, 10)]
        case PageBreak():
            return [NewPage()]
        case _:
            raise ValueError(f"no PDF form for {block}")


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _grid(rows: Sequence[Sequence[str | int]]) -> Any:
    from reportlab.pdfbase.pdfmetrics import stringWidth
    from reportlab.platypus import Flowable

    font, bold, height, pad, gap = "Helvetica", "Helvetica-Bold", 13.0, 4.0, 14.0
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(stringWidth(cell, bold, _SMALL) for cell in column) + gap for column in zip(*cells, strict=True)]

    class Grid(Flowable):
        def wrap(self, aW: float, aH: float) -> tuple[float, float]:  # noqa: ARG002, N803 - the names of reportlab
            if sum(widths) > aW:
                raise ValueError(f"a table is {sum(widths) - aW:.0f} points too wide: {cells[0]}")
            spare = (aW - sum(widths)) / len(widths)
            self.columns = [width + spare for width in widths]
            return aW, height * len(cells)

        def draw(self) -> None:
            width = sum(self.columns)
            for index, row in enumerate(cells):
                bottom = height * (len(cells) - index - 1)
                self.canv.setFillColor(_GREEN if index == 0 else _PALE if index % 2 else _WHITE)
                self.canv.rect(0, bottom, width, height, stroke=0, fill=1)
                self.canv.setFillColor(_WHITE if index == 0 else _BLACK)
                self._line(row, bottom + pad, bold if index == 0 else font)
            self.canv.setStrokeColor(_GREEN)
            self.canv.rect(0, 0, width, height * len(cells), stroke=1, fill=0)

        def _line(self, row: Sequence[str], y: float, face: str) -> None:
            space = stringWidth(" ", face, _SMALL)
            text = self.canv.beginText(pad, y)
            text.setFont(face, _SMALL)
            for cell, column in zip(row, self.columns, strict=True):
                text.textOut(cell)
                if cell is not row[-1]:
                    text.setHorizScale(100 * (column - stringWidth(cell, face, _SMALL)) / space)
                    text.textOut(" ")
                    text.setHorizScale(100)
            self.canv.drawText(text)

    return Grid()
