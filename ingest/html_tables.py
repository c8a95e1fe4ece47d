"""Tables in HTML whose cells span rows or columns, made plain: every row by itself says what it is about.

A cell that spans rows is repeated in each of them; one that spans columns stands in the first and leaves the others
empty. Knows elements of lxml, no text.
"""

import copy
from typing import Any

_MOST_COLUMNS, _MOST_ROWS, _MOST_CELLS = 60, 500, 50_000
_CELLS = ("td", "th")


def plain_cells(table: Any) -> None:
    """Expand the spans of a `table` element in place; nested tables are left to themselves."""
    if not any(cell.get("rowspan") or cell.get("colspan") for cell in table.iter(*_CELLS)):
        return
    left = _MOST_CELLS
    below: dict[int, tuple[int, Any]] = {}
    for row in _rows(table):
        cells = [cell for cell in row if cell.tag in _CELLS]
        out: list[Any] = []
        while (cells or any(column >= len(out) for column in below)) and left > 0:
            left -= 1
            if len(out) in below:
                rest, cell = below.pop(len(out))
                if rest > 1:
                    below[len(out)] = (rest - 1, cell)
                out.append(copy.deepcopy(cell))
            elif cells:
                _place(cells.pop(0), out, below)
            else:
                out.append(row.makeelement("td"))
        for cell in [*cells, *(cell for cell in row if cell.tag in _CELLS)]:
            if cell.getparent() is row:
                row.remove(cell)
        row.extend([*out, *cells])


def _place(cell: Any, out: list[Any], below: dict[int, tuple[int, Any]]) -> None:
    rows, columns = _number(cell, "rowspan", _MOST_ROWS), _number(cell, "colspan", _MOST_COLUMNS)
    empty = cell.makeelement(cell.tag)
    for offset in range(columns):
        if rows > 1:
            below[len(out)] = (rows - 1, cell if offset == 0 else empty)
        out.append(cell if offset == 0 else copy.deepcopy(empty))


def _rows(table: Any) -> list[Any]:
    rows = []
    for child in table:
        if child.tag == "tr":
            rows.append(child)
        elif child.tag in ("thead", "tbody", "tfoot"):
            rows += [row for row in child if row.tag == "tr"]
    return rows


def _number(cell: Any, name: str, most: int) -> int:
    """Takes the attribute away: what is expanded spans nothing any more."""
    value = cell.attrib.pop(name, "1").strip()
    return min(int(value), most) if value.isdecimal() and 0 < len(value) < 9 and int(value) > 0 else 1
