"""Documents of indexed corpora as their readers get them: the file itself while it is what was indexed, else its text.

Only documents that the served index lists are found, only below the folders that were ingested, and a file is handed
out only when its content is the indexed one. Knows no HTTP.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from core.errors import GraftError, RequestError
from core.index import CorpusFiles, open_snapshot
from core.joined_text import table_header

_COLUMNS: tuple[str, ...] = ("start", "end", "place", "text")
# A page of so much text is shown around the place that is asked for.
MOST_CHUNKS = 400


@dataclass(frozen=True)
class TextPiece:
    """A chunk's own text, from character `start` of the document on; `place` is what readers call where it stands."""

    start: int
    end: int
    text: str
    place: str


@dataclass(frozen=True)
class StoredDocument:
    """A document of a corpus. `format` as detected at ingestion, `sha256` of its bytes then."""

    corpus: str
    source: str
    title: str
    format: str
    sha256: str
    size: int
    roots: tuple[Path, ...]
    snapshot: Path

    def content(self) -> bytes | None:
        """The file's bytes; None when it is gone, or is no longer what was indexed."""
        for root in self.roots:
            # A root that is itself a file is its own document.
            path = root if root.name == self.source and not root.is_dir() else root / self.source
            content = _read_inside(path, self.roots, self.size)
            if content is not None and sha256(content).hexdigest() == self.sha256:
                return content
        return None

    def pieces(self, around: int | None = None) -> tuple[list[TextPiece], bool]:
        """The text as it was read, in order, and whether that is all of it. It holds the character `around`."""
        with contextlib.closing(open_snapshot(self.snapshot)) as snapshot:
            (count,) = snapshot.execute("SELECT count(*) FROM chunks WHERE source = ?", (self.source,)).fetchone()
            (place,) = snapshot.execute(
                "SELECT count(*) FROM chunks WHERE source = ? AND end <= ?", (self.source, around or 0)
            ).fetchone()
            first = max(0, min(place - MOST_CHUNKS // 2, count - MOST_CHUNKS))
            query = f"SELECT {', '.join(_COLUMNS)} FROM chunks WHERE source = ? ORDER BY ordinal LIMIT ? OFFSET ?"  # noqa: S608
            cursor = snapshot.execute(query, (self.source, MOST_CHUNKS, first))
            rows = [dict(zip(_COLUMNS, row, strict=True)) for row in cursor]
        return [_piece(row) for row in rows], count <= MOST_CHUNKS


class DocumentStore:
    """The documents of all corpora below `folder`, as they are served now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, corpus: str, source: str) -> StoredDocument:
        """A document that the index of `corpus` lists. Raises RequestError when there is none."""
        names = {path.name for path in self._folder.iterdir() if path.is_dir()} if self._folder.is_dir() else set()
        if corpus not in names:
            raise RequestError(f"no corpus '{corpus}' in this workspace")
        files = CorpusFiles(self._folder / corpus)
        row: tuple[Any, ...] | None = None
        generation = None
        with contextlib.suppress(GraftError, sqlite3.Error):
            generation = files.read_pointer()
            if generation is not None:
                with contextlib.closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
                    row = snapshot.execute(
                        "SELECT source, title, format, sha256, size FROM documents "
                        "WHERE source = ? AND status = 'indexed'",
                        (source,),
                    ).fetchone()
        if row is None or generation is None:
            raise RequestError(f"corpus '{corpus}' has no document '{source}'")
        roots = tuple(files.read_roots())
        return StoredDocument(corpus, *row, roots=roots, snapshot=files.snapshot(generation.name))


def _piece(row: Mapping[str, Any]) -> TextPiece:
    return TextPiece(row["start"], row["end"], row["text"][len(table_header(row)) :], row["place"])


def _read_inside(path: Path, roots: Sequence[Path], size: int) -> bytes | None:
    """The bytes of a regular file of `size` bytes that stands, links resolved, below one of `roots`."""
    try:
        resolved = path.resolve(strict=True)
        if not any(resolved.is_relative_to(root.resolve()) for root in roots):
            return None
        # Between the check and here, the file may have become anything: a link, a FIFO.
        handle = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_size != size:
                return None
            return file.read(size + 1)
    except (OSError, RuntimeError, ValueError):
        return None
