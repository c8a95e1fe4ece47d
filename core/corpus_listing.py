"""The documents and chunks of a corpus as its manifest has them, rejected ones too. Reads, never writes.

Reads the manifest itself, so that a running ingestion can be followed; without one, there is nothing to list.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from core.corpus_desk import ChunkRow, DocumentPage, DocumentRow, DocumentState
from core.errors import IndexMismatchError
from core.index import CorpusFiles


class CorpusListing:
    """What is in the index in `folder`; sources that begin with `uploaded` came through the page."""

    def __init__(self, folder: Path, uploaded: str) -> None:
        self._files, self._uploaded = CorpusFiles(folder), uploaded

    def documents(self, search: str, state: DocumentState | None, offset: int, limit: int) -> DocumentPage:
        """Documents by name. Raises IndexMismatchError when the manifest cannot be read."""
        with self._open() as manifest:
            if manifest is None:
                return DocumentPage(rows=[], found=0, indexed=0, rejected=0)
            manifest.create_function("casefold", 1, str.casefold, deterministic=True)
            fits = "(instr(casefold(source), ?) OR instr(casefold(title), ?)) AND (? IS NULL OR status = ?)"
            given = (search.casefold(), search.casefold(), state, state)
            (found,) = manifest.execute(f"SELECT count(*) FROM documents WHERE {fits}", given).fetchone()  # noqa: S608
            counts = dict(manifest.execute("SELECT status, count(*) FROM documents GROUP BY status").fetchall())
            rows = manifest.execute(
                "SELECT source, status, reason, notes, title, format, size, "  # noqa: S608
                "(SELECT count(*) FROM chunks c WHERE c.source = d.source) FROM documents d "
                f"WHERE {fits} ORDER BY source LIMIT ? OFFSET ?",
                (*given, limit, offset),
            ).fetchall()
        return DocumentPage(
            rows=[self._row(row) for row in rows],
            found=found,
            indexed=counts.get("indexed", 0),
            rejected=counts.get("rejected", 0),
        )

    def chunks(self, source: str, offset: int, limit: int) -> tuple[list[ChunkRow], int]:
        """Chunks of a document in order, and how many it has."""
        with self._open() as manifest:
            if manifest is None:
                return [], 0
            (count,) = manifest.execute("SELECT count(*) FROM chunks WHERE source = ?", (source,)).fetchone()
            rows = manifest.execute(
                "SELECT locator, place, start, end, text FROM chunks WHERE source = ? "
                "ORDER BY ordinal LIMIT ? OFFSET ?",
                (source, limit, offset),
            ).fetchall()
        names = ("locator", "place", "start", "end", "text")
        return [ChunkRow.model_validate(dict(zip(names, row, strict=True))) for row in rows], count

    def seen(self, sources: Sequence[str]) -> dict[str, tuple[str, str, str]]:
        """Hash of the content, status and reason of those documents that have been seen."""
        with self._open() as manifest:
            if manifest is None:
                return {}
            marks = ", ".join("?" * len(sources))
            query = f"SELECT source, sha256, status, reason FROM documents WHERE source IN ({marks})"  # noqa: S608
            return {source: (sha, status, reason) for source, sha, status, reason in manifest.execute(query, sources)}

    def states(self) -> dict[str, tuple[int, int, str, str]]:
        """Size, time (ns), status and reason of every document that has been seen."""
        with self._open() as manifest:
            if manifest is None:
                return {}
            rows = manifest.execute("SELECT source, size, mtime_ns, status, reason FROM documents")
            return {source: (size, time, status, reason) for source, size, time, status, reason in rows}

    def _row(self, row: tuple) -> DocumentRow:
        names = ("source", "state", "reason", "notes", "title", "format", "size", "chunks")
        values = dict(zip(names, row, strict=True))
        return DocumentRow.model_validate({**values, "uploaded": values["source"].startswith(self._uploaded)})

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        path = self._files.manifest
        if not path.is_file():
            yield None
            return
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as manifest:
                # The first ingestion has made the file, and not yet its tables.
                made = manifest.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('documents', 'chunks')")
                yield manifest if made.fetchone() == (2,) else None
        except sqlite3.Error as error:
            name = self._files.root.name
            raise IndexMismatchError(
                f"the index of '{name}' cannot be read ({error}): run graft index verify --domain {name}"
            ) from error
