"""Data files: spreadsheets, CSV, TSV and JSON."""

import csv
import io
import json
from datetime import datetime
from typing import Any

from ..blocks import Document, Heading, Table, Text
from .archive import settle


def write_xlsx(document: Document) -> bytes:
    """One sheet per chapter: sections of a line of text and a table, an empty row apart."""
    from openpyxl import Workbook
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator, book.properties.title = "Hestrel Energy Storage", document.title
    book.properties.created = datetime(2026, 6, 1, 8)
    sheet: Any = None
    for block in document.blocks:
        match block:
            case Heading(text):
                sheet = book.create_sheet(text)
            case Text(text):
                if sheet.max_row > 1:
                    sheet.append([])
                sheet.append([text])
                sheet.cell(sheet.max_row, 1).font = Font(bold=True, size=13)
            case Table(head, rows):
                sheet.append(head)
                for cell in sheet[sheet.max_row]:
                    cell.font = Font(bold=True, color="FFFFFF")
                    cell.fill = PatternFill("solid", fgColor="1F5C4D")
                for row in rows:
                    sheet.append(row)
                for column, values in enumerate(zip(head, *rows, strict=True), start=1):
                    letter = get_column_letter(column)
                    width = 3 + max(len(str(value)) for value in values)
                    sheet.column_dimensions[letter].width = max(width, sheet.column_dimensions[letter].width)
            case _:
                raise ValueError(f"{document.path}: a sheet holds text and tables")
    target = io.BytesIO()
    book.save(target)
    return settle(target.getvalue())


def write_rows(document: Document) -> bytes:
    """CSV or TSV: the one table of the document."""
    (table,) = (block for block in document.blocks if isinstance(block, Table))
    target = io.StringIO()
    delimiter = "\t" if document.path.endswith(".tsv") else ","
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
    writer.writerows([table.head, *table.rows])
    return target.getvalue().encode()


def write_json(document: Document) -> bytes:
    """A catalogue: one line per row of the table, grouped under the headings."""
    groups: list[str] = []
    title = ""
    for block in document.blocks:
        match block:
            case Heading(text):
                title = text
            case Table(head, rows):
                lines = [json.dumps(dict(zip(head, row, strict=True)), ensure_ascii=False) for row in rows]
                groups.append(f"  {json.dumps(title)}: [\n    " + ",\n    ".join(lines) + "\n  ]")
            case _:
                raise ValueError(f"{document.path}: a catalogue holds headings and tables")
    head = [
        f"  {json.dumps(key)}: {json.dumps(value)}"
        for key, value in (("title", document.title), ("edition", document.imprint))
    ]
    return ("{\n" + ",\n".join([*head, *groups]) + "\n}\n").encode()
