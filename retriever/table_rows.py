"""Tables in a text, line by line: which lines are their rows, and which belong to their header.

Tables are as ingestion writes them: cells between bars, the lines of a CSV or TSV file, objects of JSON one a line.
Knows text and the name of the file it is from, no question.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_BAR = " | "
_DELIMITERS = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}
_JSON = (".json", ".jsonl", ".ndjson")
_RULE = re.compile(r"\s*\|?[\s:|=-]*--[\s:|=-]*")
_OBJECT = re.compile(r"\s*\{.*\},?\s*")


@dataclass(frozen=True)
class Table:
    """Numbers of lines: the header is `first` up to `body`, the rows `body` up to `stop` (exclusive)."""

    first: int
    body: int
    stop: int


def tables_in(lines: Sequence[str], source: str) -> list[Table]:
    """Tables of two rows or more. A table whose cells may run over several lines is none: its rows are unknown."""
    suffix = PurePosixPath(source).suffix.lower()
    if suffix in _JSON:
        return [Table(first, first, stop) for first, stop in _runs(lines, _OBJECT.fullmatch) if stop - first > 1]
    found = []
    for delimiter in _DELIMITERS.get(suffix, (_BAR,)):
        for first, stop in _runs(lines, lambda line, mark=delimiter: mark in line or _RULE.fullmatch(line)):
            # In CSV a quoted cell may hold line breaks.
            if any(line.count('"') % 2 for line in lines[first:stop]):
                continue
            body = first + 1
            while body < stop and _RULE.fullmatch(lines[body]):
                body += 1
            if stop - body > 1 and not any(_RULE.fullmatch(line) for line in lines[body:stop]):
                found.append(Table(first, body, stop))
        if found:
            break
    return found


def _runs(lines: Sequence[str], belongs: Callable[[str], object]) -> Iterator[tuple[int, int]]:
    first = 0
    for number, line in enumerate([*lines, ""]):
        if not line or not belongs(line):
            if number > first:
                yield first, number
            first = number + 1
