"""An examples file line by line, as it is shown, filtered and changed. Judges no example (`core.examples` does).

Lines keep their text as it is: what cannot be read can still be seen, and what nobody touches stays byte for byte.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.errors import EditConflictError, ExampleError
from core.example_desk import ExampleFilter, ExamplePage, ExampleRow, Stamp
from core.examples import parse_example
from core.files import write_atomically
from core.types import Example

_RECORD = "record:"


def read_texts(path: Path) -> list[str]:
    """The lines of a file without their ends, blank ones too; none of a file that is missing. Raises ExampleError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ExampleError(f"examples file {path} cannot be read as UTF-8: {error}") from error
    # Not splitlines(): JSON strings may hold characters that it takes for line ends.
    return text.removesuffix("\n").split("\n") if text else []


def write_texts(path: Path, texts: Sequence[str]) -> None:
    """Replace the file by these lines, in one step."""
    write_atomically(path, "".join(f"{text}\n" for text in texts))


def line_of(example: Example) -> str:
    """An example as a line of an examples file holds it."""
    return json.dumps(example.model_dump(mode="json", by_alias=True), ensure_ascii=False)


def row_of(line: int, text: str) -> ExampleRow:
    """A line, read."""
    stamp = Stamp(line=line, digest=hashlib.sha256(text.encode()).hexdigest()[:16])
    try:
        return ExampleRow(stamp=stamp, text=text, example=parse_example(text))
    except ValueError as error:
        return ExampleRow(stamp=stamp, text=text, flaw=str(error))


def rows_of(texts: Sequence[str]) -> list[ExampleRow]:
    """All lines that are not blank."""
    return [row_of(line, text) for line, text in enumerate(texts, start=1) if text.strip()]


def place_of(texts: Sequence[str], stamp: Stamp) -> int:
    """Index of the line that `stamp` means, also where lines before it have come or gone. Raises EditConflictError."""

    def digest(index: int) -> str:
        return row_of(index + 1, texts[index]).stamp.digest

    index = stamp.line - 1
    if index < len(texts) and digest(index) == stamp.digest:
        return index
    moved = [index for index in range(len(texts)) if digest(index) == stamp.digest]
    if len(moved) != 1:
        raise EditConflictError(
            "somebody else has changed or removed this example since you opened it, so nothing was written: "
            "open it again to see what stands there now"
        )
    return moved[0]


def select(rows: Sequence[ExampleRow], wanted: ExampleFilter, offset: int, limit: int) -> ExamplePage:
    """The rows that fit, in their order. Lines that cannot be read fit as long as only words are asked for."""
    fitting = [row for row in rows if _fits(row, wanted)]
    tags = Counter(tag for row in rows if row.example for tag in row.example.tags if not tag.startswith(_RECORD))
    return ExamplePage(rows=fitting[offset : offset + limit], found=len(fitting), total=len(rows), tags=[*sorted(tags)])


def _fits(row: ExampleRow, wanted: ExampleFilter) -> bool:
    example = row.example
    if wanted.words and not all(word in _haystack(row) for word in wanted.words.casefold().split()):
        return False
    if example is None:
        return wanted == ExampleFilter(words=wanted.words)
    return (
        wanted.format in (None, example.format)
        and wanted.schema_name in (None, example.schema_name)
        and (wanted.tag is None or wanted.tag in example.tags)
        and wanted.answerable in (None, example.answerable)
    )


def _haystack(row: ExampleRow) -> str:
    # JSON would hide letters and line ends behind escapes.
    return (row.text if row.example is None else " ".join(_strings(row.example.model_dump()))).casefold()


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _strings(part)]
    return [] if value is None or isinstance(value, bool) else [str(value)]
