"""Simple reStructuredText tables (`====  ====`) to Markdown pipe tables, one source row per line."""

import re
from collections.abc import Callable

BORDER = re.compile(r"^=+( +=+)+\s*$")


def table_height(lines: list[str], start: int) -> int:
    """How many lines the table at `start` takes: up to the border that a blank line or the end follows."""
    for index in range(start + 1, len(lines)):
        last = index + 1 == len(lines) or not lines[index + 1].strip()
        if BORDER.match(lines[index]) and last:
            return index + 1 - start
    return len(lines) - start


def convert_table(lines: list[str], inline: Callable[[str], str]) -> list[str]:
    """Convert the table in `lines` (borders included); `inline` converts a cell's text."""
    columns = [match.span() for match in re.finditer(r"=+", lines[0])]
    groups: list[list[list[str]]] = [[]]
    new_row = True
    for line in lines[1:-1]:
        if BORDER.match(line):
            groups.append([])
            new_row = True
        elif not line.strip():
            new_row = True
        elif not re.fullmatch(r"[-\s]+", line):
            cells = _cut(line, columns)
            rows = groups[-1]
            # An empty first cell goes on with the row above; a header of several lines is one row.
            goes_on = bool(rows) and (not cells[0] or (len(groups) == 1 and _has_header(lines)))
            if goes_on and not (new_row and cells[0]):
                rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
            else:
                rows.append(cells)
            new_row = False
    header = groups[0] if len(groups) > 1 else [[""] * len(columns)]
    body = [row for group in groups[1:] for row in group] if len(groups) > 1 else groups[0]
    out = [_row(row, inline) for row in header]
    return [*out, "|" + " --- |" * len(columns), *(_row(row, inline) for row in body)]


def _has_header(lines: list[str]) -> bool:
    return any(BORDER.match(line) for line in lines[1:-1])


def _cut(line: str, columns: list[tuple[int, int]]) -> list[str]:
    """Cut at the columns' starts; the last column may run on."""
    starts = [start for start, _ in columns]
    ends = [*starts[1:], None]
    return [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _row(cells: list[str], inline: Callable[[str], str]) -> str:
    return "| " + " | ".join(inline(cell).replace("|", "\\|") for cell in cells) + " |"
