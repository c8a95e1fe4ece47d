"""A Word document with all that readers tend to lose: notes, boxes, controls, changes, merged cells, page breaks."""

import io

_MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_BOX = """<w:r {names} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
 xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"
 xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><mc:AlternateContent>
<mc:Choice Requires="wps"><w:drawing><wp:anchor><a:graphic><a:graphicData><wps:wsp><wps:txbx><w:txbxContent>
<w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:anchor>
</w:drawing></mc:Choice><mc:Fallback><w:pict><w:p><w:r><w:t>Fallback</w:t></w:r></w:p></w:pict></mc:Fallback>
</mc:AlternateContent></w:r>"""


def word_file() -> bytes:
    """The bytes of the .docx. Its pages: 1 up to "Limits"; a table over 2 and 3; the last paragraph on 4."""
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    names = nsdecls("w")
    file = docx.Document()
    file.sections[0].header.paragraphs[0].text = "Running header"
    file.sections[0].footer.paragraphs[0].text = "Running footer"
    file.add_heading("Device manual", 0)
    file.add_heading("Care", 1)
    for step in ("Step one", "Step two"):
        file.add_paragraph(step, style="List Number")
    last = file.element.body[-1]
    last.addprevious(
        parse_xml(
            f"<w:sdt {names}><w:sdtContent><w:p><w:r><w:t>Inside a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        )
    )
    changed = file.add_paragraph("Kept ")
    changed._p.append(parse_xml(f'<w:ins {names} w:id="1" w:author="x"><w:r><w:t>and inserted.</w:t></w:r></w:ins>'))
    changed._p.append(
        parse_xml(f'<w:del {names} w:id="2" w:author="x"><w:r><w:delText>deleted</w:delText></w:r></w:del>')
    )
    file.add_paragraph("Energy: ")._p.append(
        parse_xml(f'<m:oMath xmlns:m="{_MATH}"><m:r><m:t>E=mc2</m:t></m:r></m:oMath>')
    )
    file.add_paragraph("It hangs here.")._p.append(parse_xml(_BOX.format(names=names)))
    words = "<w:p><w:r><w:t>a footnote</w:t></w:r></w:p>"
    note = f'<w:footnotes {names}><w:footnote w:id="5">{words}</w:footnote></w:footnotes>'
    part = Part(
        PackURI("/word/footnotes.xml"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml",
        note.encode(),
        file.part.package,
    )
    file.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    noted = file.add_paragraph("See")
    noted._p.append(parse_xml(f'<w:r {names}><w:footnoteReference w:id="5"/></w:r>'))
    noted.add_run(".")
    table = file.add_table(rows=4, cols=3)
    for row, cells in enumerate(
        [("Model", "Limits", ""), ("Tern 4", "low", "high"), ("Tern 6", "5", "10"), ("", "7", "12")]
    ):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(2, 0).merge(table.cell(3, 0))
    table.cell(1, 1).add_table(1, 1).cell(0, 0).text = "with a nested cell"
    file.add_page_break()
    begin_page(file.add_heading("Limits", 1))
    over = file.add_table(rows=4, cols=2)
    for row in range(4):
        over.cell(row, 0).text, over.cell(row, 1).text = f"k{row}", f"v{row}"
    for cell in over.rows[2].cells:
        begin_page(cell.paragraphs[0])
    file.add_paragraph("After the table.")
    begin_page(file.add_paragraph("Last page."))
    target = io.BytesIO()
    file.save(target)
    return target.getvalue()


def begin_page(paragraph) -> None:
    """Note that a page begins here, as Word does when it saves what it has laid out."""
    from docx.oxml import OxmlElement

    paragraph.runs[0]._r.insert(0, OxmlElement("w:lastRenderedPageBreak"))
