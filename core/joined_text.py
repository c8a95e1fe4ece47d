"""The text of neighbouring chunks as it stands in their document, and where in it each chunk is. Knows no index.

Rows are those of the `chunks` table (core/index.py). What a chunk repeats of its table's header is no part of its span.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Where a chunk stands in the joined text; `head` is the table header that it would repeat if it stood first."""

    start: int
    end: int
    head: str


def table_header(row: Row) -> str:
    """The table header that a chunk repeats before its own rows, with its line end; mostly empty."""
    return row["text"][: max(0, len(row["text"]) - (row["end"] - row["start"]))]


def join_rows(rows: Sequence[Row]) -> tuple[str, list[Part]]:
    """The joined text and its parts. White space between chunks is as wide as what it stands for: spans stay right."""
    text = ""
    parts: list[Part] = []
    for before, row in zip([None, *rows], rows, strict=False):
        head = table_header(row)
        if before is None:
            text = row["text"]
            parts.append(Part(0, len(text), ""))
            continue
        text += _gap(before, row)
        start = len(text)
        text += row["text"][len(head) :]
        parts.append(Part(start, len(text), head))
    return text, parts


def _gap(before: Row, after: Row) -> str:
    size = max(0, after["start"] - before["end"])
    if before["last_line"] and after["first_line"]:
        breaks = after["first_line"] - before["last_line"]
    else:
        breaks = 2 if size > 1 else 1
    breaks = min(max(breaks, 0), size)
    return "\n" * breaks + " " * (size - breaks)
