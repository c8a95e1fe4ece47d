"""Finds tables on a page of a PDF: rows of spans that leave the same gaps free, with or without ruled lines.

Prose in two columns leaves a gap free as well; it is told apart by its full lines. Lists whose numbers stand by
themselves are put together, too. Knows positions, no fonts and no blocks.
"""

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest.pdf_grid import Interval, Row, cells_of, columns_of, extent, rows_of
from ingest.pdf_page import Line, Page

# Points between a table's text and its outermost rules, at most.
_BESIDE = 20.0
_BULLET = re.compile(r"(?:\(?(?:\d{1,3}|[a-zA-Z])[.)]|[-*•‣◦▪●–—])$")
_FULL, _PROSE_WORDS, _LABEL_WORDS = 0.75, 4, 5


class Table(NamedTuple):
    """Rows of cells, or, if `is_list`, of one text each, and the lines that they were made of."""

    rows: list[list[str]]
    lines: list[Line]
    is_list: bool = False


def find_tables(page: Page) -> list[Table]:
    """The tables of a page, from top to bottom."""
    return list(_find([line for box in page.boxes for line in box], page))


def _find(lines: Sequence[Line], page: Page) -> Iterator[Table]:
    rows = rows_of(lines)
    start = 0
    while start < len(rows):
        end = extent(rows, start)
        if end - start < 2:
            start = end
            continue
        columns = columns_of(rows[start:end])
        table = _table(rows[start:end], columns, page)
        if table is not None:
            yield table
        elif len(columns) > 1 and end - start > 2:
            # Columns of text, each of which may hold a table of its own.
            inside = [line for row in rows[start:end] for line in row.lines]
            for x0, x1 in columns:
                column = [line for line in inside if line.spans[0].x0 >= x0 and line.spans[-1].x1 <= x1]
                if len(column) < len(inside):
                    yield from _find(column, page)
        start = end if table is not None or end - start > 2 else start + 1


def _table(rows: Sequence[Row], columns: Sequence[Interval], page: Page) -> Table | None:
    """The rows as a table or a list, None if they are neither."""
    if len(columns) < 2:
        return None
    cells = [cells_of(row.spans, columns) for row in rows]
    lines = [line for row in rows for line in row.lines]
    separators = _separators(rows, columns, page)
    labels = [row[0] for row in cells if row[0]]
    if labels == [str(n) for n in range(1, len(labels) + 1)] and len(columns) == 2 and not separators:
        for row in cells:
            row[0] = f"{row[0]}." if row[0] else ""
        labels = [f"{label}." for label in labels]
    if cells[0][0] and all(map(_BULLET.fullmatch, labels)):
        return Table(list(_items(cells)), lines, is_list=True)
    by_rules = len(separators) >= max(1, 0.5 * (sum(bool(row[0]) for row in cells) - 1))
    merged = list(_merge(rows, cells, separators if by_rules else None))
    if len(merged) < 2:
        return None
    is_ruled = by_rules or _bars(rows, columns, page) > 2
    return Table(merged, lines) if is_ruled or _reads_as_table(rows, cells, merged, columns) else None


def _items(cells: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Numbers or bullets joined with their texts, over several lines."""
    item = ""
    for number, *texts in cells:
        words = " ".join(filter(None, texts))
        if number and item:
            yield [item]
            item = ""
        item = f"{number} {words}" if number else f"{item}\n{words}"
    yield [item]


def _bars(rows: Sequence[Row], columns: Sequence[Interval], page: Page) -> int:
    """How many vertical rules go along most of the rows."""
    top, foot = rows[0].base + rows[0].height, rows[-1].base
    lengths: dict[int, float] = {}
    for x, y0, y1 in page.bars:
        if columns[0][0] - _BESIDE <= x <= columns[-1][1] + _BESIDE:
            lengths[round(x)] = lengths.get(round(x), 0.0) + max(0.0, min(y1, top) - max(y0, foot))
    return sum(length > 0.7 * (top - foot) for length in lengths.values())


def _separators(rows: Sequence[Row], columns: Sequence[Interval], page: Page) -> list[float]:
    """Heights of the horizontal rules between the first and the last row that span most of the table."""
    width = columns[-1][1] - columns[0][0]
    lengths: dict[float, float] = {}
    for y, x0, x1 in page.rules:
        if rows[-1].base < y < rows[0].base:
            key = next((known for known in lengths if abs(known - y) < 1.5), y)
            lengths[key] = lengths.get(key, 0.0) + max(0.0, min(x1, columns[-1][1]) - max(x0, columns[0][0]))
    return [y for y, length in lengths.items() if length >= 0.6 * width]


def _merge(rows: Sequence[Row], cells: Sequence[list[str]], separators: Sequence[float] | None) -> Iterator[list[str]]:
    """Rows of text joined to rows of the table: what no rule parts, or what stands closer and has no first cell."""
    usual = min((rows[n - 1].base - rows[n].base for n, row in enumerate(cells) if n and row[0]), default=0.0)
    merged: list[str] | None = None
    for index, row in enumerate(cells):
        belongs = False
        if merged is not None and separators is not None:
            belongs = not any(rows[index].base < y < rows[index - 1].base for y in separators)
        elif merged is not None:
            belongs = not row[0] and rows[index - 1].base - rows[index].base < 0.95 * usual
        if merged is None or not belongs:
            if merged is not None:
                yield merged
            merged = list(row)
        else:
            merged = [_joined(above, below) for above, below in zip(merged, row, strict=True)]
    if merged is not None:
        yield merged


def _joined(above: str, below: str) -> str:
    if re.search(r"[a-z]-$", above) and below[:1].islower():
        return above[:-1] + below
    return f"{above} {below}".strip()


def _reads_as_table(
    rows: Sequence[Row], cells: Sequence[Sequence[str]], merged: Sequence[Sequence[str]], columns: Sequence[Interval]
) -> bool:
    """Whether rows without rules are a table, and not columns of running text side by side."""
    if sum(sum(map(bool, row)) > 1 for row in merged) < 0.6 * len(merged):
        return False
    if len(merged) < 3:
        return all(len(cell.split()) <= _LABEL_WORDS for row in merged for cell in row)
    words, fill = [], []
    for at, (x0, x1) in enumerate(columns):
        inside = [span for row in rows for span in row.spans if x0 <= (span.x0 + span.x1) / 2 <= x1]
        fill.append(statistics.median((span.x1 - span.x0) / (x1 - x0) for span in inside) if inside else 0.0)
        words.append(statistics.median([len(row[at].split()) for row in cells if row[at]] or [0]))
    running = [share >= _FULL and count >= _PROSE_WORDS for share, count in zip(fill, words, strict=True)]
    if sum(running) >= 2 or any(_BULLET.match(row[1].split(" ")[0]) for row in cells if row[1]):
        return False
    return len(columns) > 2 or min(words) <= _LABEL_WORDS
