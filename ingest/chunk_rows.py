"""Chunks as rows of a manifest: their ids and keys, and how those of a document are replaced, read and removed.

All functions work on an open connection, inside the caller's transaction. Knows no file and no vector.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from ingest.chunks import Chunk
from ingest.lexical import insert_lexical

_COLUMNS = "id, source, ordinal, locator, headings, start, end, page, place, first_line, last_line, text, vector_key"


def replace_chunks(connection: sqlite3.Connection, source: str, chunks: Sequence[Chunk]) -> None:
    """Give a document these chunks; those that are the same in every column keep their row and number."""
    rows = {row[0]: row for row in _rows(source, chunks)}
    query = f"SELECT number, {_COLUMNS} FROM chunks WHERE source = ?"  # noqa: S608 - our own columns
    for number, *row in connection.execute(query, (source,)).fetchall():
        if rows.get(row[0]) == tuple(row):
            del rows[row[0]]
        else:
            _forget(connection, number)
    marks = ",".join("?" * len(_COLUMNS.split(",")))
    for row in rows.values():
        cursor = connection.execute(f"INSERT INTO chunks ({_COLUMNS}) VALUES ({marks})", row)  # noqa: S608
        insert_lexical(connection, int(cursor.lastrowid or 0), row[11], tuple(json.loads(row[4])))


def read_chunks(connection: sqlite3.Connection, source: str) -> list[Chunk]:
    """The chunks of a document, in order."""
    rows = connection.execute(
        "SELECT ordinal, start, end, text, headings, locator, page, place, first_line, last_line FROM chunks "
        "WHERE source = ? ORDER BY ordinal",
        (source,),
    )
    return [
        Chunk(ordinal, start, end, text, tuple(json.loads(headings)), *rest)
        for ordinal, start, end, text, headings, *rest in rows
    ]


def forget_chunks(connection: sqlite3.Connection, source: str) -> bool:
    """Remove the chunks of a document. Whether there were any."""
    numbers = connection.execute("SELECT number FROM chunks WHERE source = ?", (source,)).fetchall()
    for (number,) in numbers:
        _forget(connection, number)
    return bool(numbers)


def _forget(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM lexical WHERE rowid = ?", (number,))
    connection.execute("DELETE FROM chunks WHERE number = ?", (number,))


def embedded_text(text: str, headings: Sequence[str]) -> str:
    """What is embedded of a chunk, from what the manifest has of it."""
    return Chunk(0, 0, 0, text, tuple(headings), "").embedded


def vector_key(chunk: Chunk) -> str:
    """Hash of what is embedded."""
    return hashlib.sha256(chunk.embedded.encode()).hexdigest()[:40]


def chunk_id(source: str, key: str, repetition: int) -> str:
    """Stable id of a chunk: where it is from, what it says, and which repetition it is within the document."""
    return hashlib.sha256(f"{source}\0{key}\0{repetition}".encode()).hexdigest()[:32]


def chunk_hashes(source: str, chunks: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str]]:
    """Id and vector key of each chunk of a document, from (text, headings) in order."""
    seen: dict[str, int] = {}
    for text, headings in chunks:
        key = hashlib.sha256(embedded_text(text, headings).encode()).hexdigest()[:40]
        seen[key] = seen.get(key, 0) + 1
        yield chunk_id(source, key, seen[key]), key


def _rows(source: str, chunks: Sequence[Chunk]) -> Iterator[tuple]:
    hashes = chunk_hashes(source, ((chunk.text, chunk.headings) for chunk in chunks))
    for chunk, (identity, key) in zip(chunks, hashes, strict=True):
        yield (
            identity, source, chunk.ordinal, chunk.locator,
            json.dumps(chunk.headings, ensure_ascii=False), chunk.start, chunk.end, chunk.page, chunk.place,
            chunk.first_line, chunk.last_line, chunk.text, key,
        )  # fmt: skip
