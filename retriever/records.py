"""Records in a text, line by line: rows of tables, objects of JSON, entries of lists that define names.

They are as ingestion writes them: cells between bars, the lines of a CSV or TSV file, objects of JSON one a line, items
that begin with a name in bold or in code. Knows text and the name of the file it is from, no question.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_BAR = " | "
_DELIMITERS = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}
_JSON = (".json", ".jsonl", ".ndjson")
# In other files, source code above all, a bar is an operator.
_WRITTEN = (
    *(".md", ".markdown", ".rst", ".org", ".txt", ".html", ".htm", ".xml", ".pdf", ".docx", ".odt", ".rtf", ".epub"),
    *(".pptx", ".xlsx", ".xlsm", ".xls", ".eml"),
)
_RULED = frozenset(" \t:|=+-")
_FENCE = re.compile(r"\s*(```|~~~)")
_ENTRY = re.compile(r"[-*+•] (\*\*[^*]{1,80}\*\*|`{1,2}[^`]{1,80}`{1,2})( \([^()]{1,40}\))?(:| [:–—-] )")


@dataclass(frozen=True)
class Records:
    """`rows` are the numbers of the lines of each record; `names` those of lines that name them, a table's header.

    Lines among the rows with one filled cell name the rows below them.
    """

    rows: tuple[range, ...]
    names: frozenset[int] = frozenset()


def records_in(lines: Sequence[str], source: str) -> list[Records]:
    """All tables and lists of two records or more. Where a row of a table may run over several lines, it is none."""
    suffix = PurePosixPath(source).suffix.lower()
    if suffix in _JSON:
        runs = _runs(lines, _is_object)
        return [Records(_one_by_one(first, stop)) for first, stop in runs if stop - first > 1]
    if suffix in _DELIMITERS:
        found = [list(_delimited(lines, mark)) for mark in _DELIMITERS[suffix]]
        # A comma within the cells of one is not what the cells of the other are parted by.
        return max(found, key=lambda tables: sum(len(table.rows) for table in tables))
    if suffix not in _WRITTEN:
        return []
    return [*_delimited(_without_code(lines), _BAR), *_definitions(lines)]


def _delimited(lines: Sequence[str], mark: str) -> Iterator[Records]:
    for begin, stop in _runs(lines, lambda line: mark in line or _is_rule(line)):
        # A rule above a table is a heading's underline, or a border.
        first = next((number for number in range(begin, stop) if not _is_rule(lines[number])), stop)
        body = next((number for number in range(first + 1, stop) if not _is_rule(lines[number])), stop)
        # In CSV a quoted cell may hold line breaks; between rules a row may have several lines.
        if any(line.count('"') % 2 or _is_rule(line) for line in lines[body:stop]):
            continue
        several = first < stop and _filled(lines[first], mark) > 1
        titles = {number for number in range(body, stop) if several and _filled(lines[number], mark) == 1}
        rows = tuple(row for row in _one_by_one(body, stop) if row.start not in titles)
        if len(rows) > 1:
            yield Records(rows, frozenset({*range(first, body), *titles}))


def _definitions(lines: Sequence[str]) -> Iterator[Records]:
    """Lists of entries; what is indented below an entry, and empty lines within the list, belong to it."""
    rows: list[range] = []
    for number, line in enumerate([*lines, "end"]):
        if _ENTRY.match(line):
            rows[-1:] = [range(row.start, number) for row in rows[-1:]]
            rows.append(range(number, number + 1))
        elif rows and line.startswith(("  ", "\t")) and line.strip():
            rows[-1] = range(rows[-1].start, number + 1)
        elif line.strip():
            if len(rows) > 1:
                yield Records(tuple(rows))
            rows = []


def _one_by_one(first: int, stop: int) -> tuple[range, ...]:
    return tuple(range(number, number + 1) for number in range(first, stop))


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
