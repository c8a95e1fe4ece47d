"""Brings the manifest of an older Graft to today's format, after a back-up. Knows the older formats, no document."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from core.errors import IndexMismatchError
from core.index import FORMAT, SCHEMA, CorpusFiles
from ingest.lexical import insert_lexical


def prepare_schema(connection: sqlite3.Connection, files: CorpusFiles) -> Path | None:
    """Create the tables of an empty manifest, or migrate an older one. Returns the back-up if one was made.

    Killed at any moment, the next call goes on. Raises IndexMismatchError for a newer format, sqlite3.Error.
    """
    found = _format(connection)
    name = files.root.name
    if found is not None and found > FORMAT:
        raise IndexMismatchError(
            f"the index of '{name}' was written by a newer Graft (format {found}, this one knows {FORMAT}): use that "
            f"one, or delete {files.root} and run graft ingest --domain {name}"
        )
    backup = None
    if found is not None and found < FORMAT:
        backup = _back_up(connection, files, found)
        for step in range(found, FORMAT):
            _STEPS[step](connection)
    connection.executescript(SCHEMA)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('format', ?)", (str(FORMAT),))
    return backup


def _format(connection: sqlite3.Connection) -> int | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    return None if row is None else int(row[0])


def _back_up(connection: sqlite3.Connection, files: CorpusFiles, found: int) -> Path:
    """A copy of the whole manifest beside it; one that is there already is of the same content or better."""
    backup = files.root / f"manifest.format-{found}.sqlite"
    if not backup.exists():
        partial = backup.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        partial.replace(backup)
    return backup


def _from_1(connection: sqlite3.Connection) -> None:
    """Format 2 knows lines and places of chunks, format and notes of documents, and never reuses a number.

    The chunks stay as they are until their documents are parsed again, which the new version of parsing brings about;
    vectors stay.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("ALTER TABLE documents ADD COLUMN format TEXT NOT NULL DEFAULT ''")
        connection.execute("ALTER TABLE documents ADD COLUMN notes TEXT NOT NULL DEFAULT ''")
        connection.execute("ALTER TABLE chunks RENAME TO chunks_1")
        for name in ("chunks_of_source", "chunks_of_vector"):
            connection.execute(f"DROP INDEX IF EXISTS {name}")
        connection.execute("DROP TABLE IF EXISTS lexical_terms")
        connection.execute("DROP TABLE lexical")
        for statement in _statements(SCHEMA):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO chunks (number, id, source, ordinal, locator, headings, start, end, page, text, vector_key) "
            "SELECT number, id, source, ordinal, locator, headings, start, end, page, text, vector_key FROM chunks_1"
        )
        connection.execute("DROP TABLE chunks_1")
        for number, headings, text in connection.execute("SELECT number, headings, text FROM chunks"):
            insert_lexical(connection, number, text, tuple(json.loads(headings)))
        connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'")
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('format', '2')")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """The statements of a script, so that they can run inside a transaction."""
    found, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found


_STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _from_1}
