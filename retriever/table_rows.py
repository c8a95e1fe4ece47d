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
# In other files, source code above all, a bar is an operator.
_WITH_BARS = (
    *(".md", ".markdown", ".rst", ".org", ".txt", ".html", ".htm", ".xml", ".pdf", ".docx", ".odt", ".rtf", ".epub"),
    *(".pptx", ".xlsx", ".xlsm", ".xls", ".eml"),
)
_RULED = frozenset(" \t:|=+-")
_FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(frozen=True)
class Table:
    """Numbers of lines: the header is `first` up to `body`, the rows `body` up to `stop` (exclusive).

    `titles` are lines among the rows with one filled cell: they name the rows below them.
    """

    first: int
    body: int
    stop: int
    titles: frozenset[int] = frozenset()

    @property
    def rows(self) -> list[int]:
        """Numbers of the lines that are rows."""
        return [number for number in range(self.body, self.stop) if number not in self.titles]


def tables_in(lines: Sequence[str], source: str) -> list[Table]:
    """Tables of two rows or more. A table whose cells may run over several lines is none: its rows are unknown."""
    suffix = PurePosixPath(source).suffix.lower()
    if suffix in _JSON:
        return [Table(first, first, stop) for first, stop in _runs(lines, _is_object) if stop - first > 1]
    if suffix in _DELIMITERS:
        found = [list(_delimited(lines, mark)) for mark in _DELIMITERS[suffix]]
        # A comma within the cells of one is not what the cells of the other are parted by.
        return max(found, key=lambda tables: sum(table.stop - table.first for table in tables))
    return list(_delimited(_without_code(lines), _BAR)) if suffix in _WITH_BARS else []


def _delimited(lines: Sequence[str], mark: str) -> Iterator[Table]:
    for begin, stop in _runs(lines, lambda line: mark in line or _is_rule(line)):
        # A rule above a table is a heading's underline, or a border.
        first = next((number for number in range(begin, stop) if not _is_rule(lines[number])), stop)
        body = next((number for number in range(first + 1, stop) if not _is_rule(lines[number])), stop)
        # In CSV a quoted cell may hold line breaks; between rules a row may have several lines.
        if any(line.count('"') % 2 or _is_rule(line) for line in lines[body:stop]):
            continue
        several = first < stop and _filled(lines[first], mark) > 1
        titles = (number for number in range(body, stop) if several and _filled(lines[number], mark) == 1)
        table = Table(first, body, stop, frozenset(titles))
        if len(table.rows) > 1:
            yield table


def _is_rule(line: str) -> bool:
    return "--" in line and _RULED.issuperset(line)


def _is_object(line: str) -> bool:
    text = line.strip()
    return text.startswith("{") and text.endswith(("}", "},"))


def _filled(line: str, mark: str) -> int:
    return sum(bool(cell.strip(" |")) for cell in line.split(mark.strip(" ")))


def _without_code(lines: Sequence[str]) -> list[str]:
    """The lines, with those of code made empty: indented or between fences, where a bar is an operator."""
    kept: list[str] = []
    fenced = False
    for line in lines:
        fence = _FENCE.match(line)
        fenced ^= bool(fence)
        kept.append("" if fenced or fence or line.startswith(("    ", "\t")) else line)
    return kept


def _runs(lines: Sequence[str], belongs: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    first = 0
    for number, line in enumerate([*lines, ""]):
        if not line or not belongs(line):
            if number > first:
                yield first, number
            first = number + 1
