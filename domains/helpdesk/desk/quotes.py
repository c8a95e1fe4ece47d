"""How a fact reads in the text that ingestion takes from its document: the quotes of the evidence.

Prose is the same everywhere. Rows of tables are not: each format sets the cells apart in its own way.
"""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from .blocks import Bullets, Code, Document, Steps, Table, Text

_BETWEEN_CELLS = {".csv": ",", ".tsv": " "}
_OTHERWISE = " | "


def row_quote(path: str, cells: Sequence[str | int], head: Sequence[str] = ()) -> str:
    """A table row as it stands in the text of `path`. JSON needs the names of the columns."""
    suffix = PurePosixPath(path).suffix
    if suffix == ".json":
        return json.dumps(dict(zip(head, cells, strict=True)), ensure_ascii=False)
    if suffix == ".csv":
        return ",".join(f'"{cell}"' if "," in str(cell) else str(cell) for cell in cells)
    return _BETWEEN_CELLS.get(suffix, _OTHERWISE).join(map(str, cells))


def steps_quote(steps: Sequence[str]) -> str:
    """The longest step: formats differ in whether numbers are part of the text, and a list is one passage anyway."""
    return max(steps, key=len)


def sources_of(text: str, documents: Sequence[Document]) -> list[str]:
    """Paths of the documents that hold `text`."""
    return [document.path for document in documents if text in "\n".join(lines_of(document))]


def source_of(text: str, documents: Sequence[Document]) -> str:
    """The one document that holds `text`. Raises ValueError unless there is exactly one."""
    found = sources_of(text, documents)
    if len(found) != 1:
        raise ValueError(f"'{text}' stands in {len(found)} documents ({', '.join(found)}), not in one")
    return found[0]


def lines_of(document: Document) -> list[str]:
    """What stands in a document, paragraph by paragraph and row by row, without its headings."""
    lines: list[str] = []
    for block in document.blocks:
        match block:
            case Text(text) | Code(text):
                lines.append(" ".join(text.split()))
            case Bullets(items) | Steps(items):
                lines += items
            case Table(_, rows):
                lines += (row_quote(document.path, row, block.head) for row in rows)
            case _:
                pass
    return lines
