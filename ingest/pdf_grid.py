"""Rows and columns on a page of a PDF: lines on one baseline, and the gaps that run of them leave free.

Knows positions, nothing of what is a table.
"""

import itertools
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from ingest.pdf_page import Line, Span

Interval = tuple[float, float]
# In letter heights: how far apart rows of one grid may be, and how narrow a gap between columns.
_ROW_REACH, _NARROWEST = 3.2, 0.45
_SAME_ROW = 0.35


class Row(NamedTuple):
    """Lines on one baseline, `base`, with their spans from left to right."""

    lines: list[Line]
    spans: list[Span]
    base: float
    height: float


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """Lines on one baseline, from the top of the page."""
    rows: list[Row] = []
    for line in sorted(lines, key=lambda line: -line.base):
        if rows and rows[-1].base - line.base <= _SAME_ROW * min(line.height, rows[-1].height):
            rows[-1].lines.append(line)
            rows[-1].spans.extend(line.spans)
        else:
            rows.append(Row([line], list(line.spans), line.base, line.height))
    for row in rows:
        row.spans.sort(key=lambda span: span.x0)
    return rows


def extent(rows: Sequence[Row], start: int) -> int:
    """End of the run of rows from `start` on that leave at least one common gap free between their spans."""
    if len(rows[start].spans) < 2:
        return start + 1
    gaps = _gaps(rows[start].spans)
    end = start + 1
    while end < len(rows):
        row, above = rows[end], rows[end - 1]
        if above.base - row.base > _ROW_REACH * max(row.height, above.height):
            break
        common = [gap for gap in _common(gaps, row.spans) if gap[1] - gap[0] >= _NARROWEST * row.height]
        # One span alone may not close a gap: a line of text below the table would.
        if not common or (len(row.spans) == 1 and len(common) < len(gaps)):
            break
        gaps = common
        end += 1
    return end


def columns_of(rows: Sequence[Row]) -> list[Interval]:
    """Where the columns begin and end: between gaps that all rows, or nearly all, leave free."""
    left, right = min(row.spans[0].x0 for row in rows), max(row.spans[-1].x1 for row in rows)
    usual = statistics.mode(len(row.spans) for row in rows)
    columns: list[Interval] = []
    for tolerated in (0, 1 if len(rows) > 3 else 0, len(rows) // 8):
        edges = sorted({left, right, *(edge for row in rows for span in row.spans for edge in (span.x0, span.x1))})
        columns = []
        for x0, x1 in itertools.pairwise(edges):
            crossing = sum(any(span.x0 <= x0 and span.x1 >= x1 for span in row.spans) for row in rows)
            if crossing <= tolerated:
                continue
            if columns and x0 - columns[-1][1] < _NARROWEST * rows[0].height:
                columns[-1] = (columns[-1][0], x1)
            else:
                columns.append((x0, x1))
        if len(columns) >= usual:
            break
    return columns


def cells_of(spans: Sequence[Span], columns: Sequence[Interval]) -> list[str]:
    """The texts of a row by column; a span over several columns belongs to the one that it covers most."""
    cells = [""] * len(columns)
    for span in spans:
        at = max(range(len(columns)), key=lambda n: min(span.x1, columns[n][1]) - max(span.x0, columns[n][0]))
        cells[at] = f"{cells[at]} {span.text}".strip()
    return cells


def _gaps(spans: Sequence[Span]) -> list[Interval]:
    return [(left.x1, right.x0) for left, right in itertools.pairwise(spans) if right.x0 > left.x1]


def _common(gaps: Sequence[Interval], spans: Sequence[Span]) -> list[Interval]:
    """What the spans leave of the gaps."""
    free = list(gaps)
    for span in spans:
        free = [
            piece
            for x0, x1 in free
            for piece in ((x0, min(x1, span.x0)), (max(x0, span.x1), x1))
            if piece[1] > piece[0] and (piece[1] <= span.x0 or piece[0] >= span.x1)
        ]
    return free
