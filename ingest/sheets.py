"""Spreadsheets to blocks: each run of filled rows a table with its header row, and the row numbers that Excel shows.

openpyxl and xlrd read the cells: unstructured's reader drops empty rows, and with them the row numbers, and makes 12.0
of 12 in a column with a blank. Formulas count by their last stored value. Knows cells and rows, no styles.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any, NamedTuple

from ingest.blocks import Block, ParsedDocument

_MOST_CELLS = 2_000_000
_LONGEST_TITLE = 200


class Row(NamedTuple):
    """A row with its number in the sheet and the texts of its cells; empty cells after the last full one are cut."""

    number: int
    cells: tuple[str, ...]


def xlsx_document(data: bytes) -> ParsedDocument:
    """Blocks of an .xlsx or .xlsm workbook. Raises ValueError when it has too many cells; openpyxl's errors else."""
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        return _document((sheet.title, _xlsx_rows(sheet), sheet.sheet_state != "visible") for sheet in book.worksheets)
    finally:
        book.close()


def xls_document(data: bytes) -> ParsedDocument:
    """Blocks of an old .xls workbook. xlrd's errors."""
    import xlrd

    with xlrd.open_workbook(file_contents=data, on_demand=True) as book:
        mode = book.datemode
        return _document((sheet.name, _xls_rows(sheet, mode), sheet.visibility != 0) for sheet in book.sheets())


def _document(sheets: Iterable[tuple[str, Iterator[Row], bool]]) -> ParsedDocument:
    pieces: list[str] = []
    blocks: list[Block] = []
    hidden: list[str] = []
    position = seen = 0
    for name, rows, is_hidden in sheets:
        label = " ".join(name.split())
        place = f"sheet {label}"
        before = len(blocks)
        for kind, run in _runs(rows):
            if len(blocks) == before:
                # The name begins the sheet's section; it is no part of the text.
                blocks.append(Block("heading", position, position, 1, label, place=place))
            seen += sum(len(row.cells) for row in run)
            if seen > _MOST_CELLS:
                raise ValueError(f"has more than {_MOST_CELLS:,} cells: split it")
            lines = [" | ".join(row.cells) for row in run]
            text = "\n".join(lines)
            end = position + len(text)
            if kind == "heading":
                blocks.append(Block("heading", position, end, 2, text, place=place, row=run[0].number))
            else:
                head = (position, position + len(lines[0])) if kind == "table" else None
                blocks.append(Block(kind, position, end, place=place, head=head, row=run[0].number))
            pieces.append(text)
            position = end + 2
        if is_hidden and len(blocks) > before:
            hidden.append(label)
    notes = f"hidden sheets were read too: {', '.join(hidden)}" if hidden else ""
    return ParsedDocument("\n\n".join(pieces), tuple(blocks), "", notes)


def _runs(rows: Iterator[Row]) -> Iterator[tuple[Any, list[Row]]]:
    """Neighbouring filled rows: tables; a single cell above one is a title, elsewhere a line of text."""
    run: list[Row] = []
    for row in rows:
        if run and row.number != run[-1].number + 1:
            yield from _split(run)
            run = []
        run.append(row)
    if run:
        yield from _split(run)


def _split(run: list[Row]) -> Iterator[tuple[Any, list[Row]]]:
    start = 0
    while start < len(run) and len(run[start].cells) == 1:
        start += 1
    if start == len(run):
        # One column only: a title by itself, or a list.
        short = len(run) == 1 and len(run[0].cells[0]) <= _LONGEST_TITLE
        yield ("heading" if short else "text"), run
        return
    if start and len(run[0].cells[0]) <= _LONGEST_TITLE:
        yield "heading", run[:1]
        if start > 1:
            yield "text", run[1:start]
    elif start:
        yield "text", run[:start]
    yield "table", run[start:]


def _xlsx_rows(sheet: Any) -> Iterator[Row]:
    # The size that a file states for itself may be wrong, or a bomb.
    sheet.reset_dimensions()
    for cells in sheet.iter_rows():
        texts = [_text(cell.value, getattr(cell, "number_format", "") or "") for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            yield Row(next(cell.row for cell in cells if cell.value is not None), tuple(texts))


def _xls_rows(sheet: Any, datemode: Any) -> Iterator[Row]:
    from xlrd import XL_CELL_BOOLEAN, XL_CELL_DATE, XL_CELL_ERROR, error_text_from_code, xldate_as_datetime

    for number in range(sheet.nrows):
        texts = []
        for cell in sheet.row(number):
            value: Any = cell.value
            if cell.ctype == XL_CELL_DATE:
                value = xldate_as_datetime(value, datemode)
            elif cell.ctype == XL_CELL_BOOLEAN:
                value = bool(value)
            elif cell.ctype == XL_CELL_ERROR:
                value = error_text_from_code.get(value, "#ERROR")
            texts.append(_text(value, ""))
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            yield Row(number + 1, tuple(texts))


def _text(value: object, number_format: str) -> str:
    """A cell as its sheet shows it, but for decimal places: percent signs and dates, no currency, no rounding."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float() | int() if "%" in number_format:
            return f"{float(f'{value * 100:.10g}'):.15g} %"
        case float():
            return f"{value:.15g}"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case date() | time() | timedelta():
            return str(value)
    return " ".join(str(value).split())
