"""Spreadsheets: rows with the numbers that Excel shows, values as it shows them."""

import datetime as dt
import io

import pytest
from openpyxl import Workbook

from ingest.sheets import xlsx_document


def saved(book):
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.fixture(scope="module")
def document():
    book = Workbook()
    sheet = book.active
    sheet.title = "Prices"
    sheet["A1"] = "Price list 2026"
    sheet["A3"], sheet["B3"], sheet["C3"] = "SKU", "EUR", "since"
    for row in range(4, 7):
        sheet.cell(row, 1, f"HX-{row}")
        sheet.cell(row, 2, 12 if row == 4 else None if row == 5 else 12.5)
        sheet.cell(row, 3, dt.date(2026, 1, row))
    sheet["A9"], sheet["B9"] = "share", 0.075
    sheet["B9"].number_format = "0.0%"
    sheet["A10"], sheet["B10"] = "two\nlines", True
    hidden = book.create_sheet("Old one")
    hidden.sheet_state = "hidden"
    hidden["B2"], hidden["C2"] = "far", "away"
    book.create_sheet("Empty")
    return xlsx_document(saved(book))


def test_blocks_with_their_rows(document):
    assert [(b.kind, b.place, b.row, document.text[b.start : b.end]) for b in document.blocks if b.end > b.start] == [
        ("heading", "sheet Prices", 1, "Price list 2026"),
        (
            "table",
            "sheet Prices",
            3,
            "SKU | EUR | since\nHX-4 | 12 | 2026-01-04\nHX-5 |  | 2026-01-05\nHX-6 | 12.5 | 2026-01-06",
        ),
        ("table", "sheet Prices", 9, "share | 7.5 %\ntwo lines | TRUE"),
        ("table", "sheet Old one", 2, " | far | away"),
    ]


def test_a_sheet_is_a_section(document):
    headings = [(b.label, b.level) for b in document.blocks if b.kind == "heading"]
    assert headings == [("Prices", 1), ("Price list 2026", 2), ("Old one", 1)]


def test_hidden_sheets_are_told(document):
    assert document.notes == "hidden sheets were read too: Old one"


def test_a_size_that_the_file_claims_is_not_believed():
    book = Workbook()
    book.active["A1"] = "one"
    book.active["C1048576"] = "last"
    blocks = xlsx_document(saved(book)).blocks
    assert [block.row for block in blocks if block.row] == [1, 1048576]
