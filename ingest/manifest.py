"""The writing side of the manifest: documents, chunks and vectors, one transaction per document. Knows no Chroma.

A document is acknowledged when its transaction is on disk; whatever happens later, the next run finds it.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import IndexMismatchError, IngestError
from core.index import FORMAT, CorpusFiles, open_manifest
from ingest.blocks import ParsedDocument
from ingest.chunks import Chunk
from ingest.files import FoundFile
from ingest.lexical import lexical_row

_VARIABLES = 500  # well below SQLite's limit for one statement


@dataclass(frozen=True)
class Known:
    """A document as the manifest has it."""

    sha256: str
    size: int
    mtime_ns: int
    seen_ns: int
    status: str
    reason: str
    parsing: str

    def looks_like(self, file: FoundFile) -> bool:
        """Whether size and time say that the file is unchanged. A file written while it was read last time does not."""
        settled = self.seen_ns - self.mtime_ns > 2_000_000_000
        return settled and (self.size, self.mtime_ns) == (file.size, file.mtime_ns)


class Manifest:
    """The open manifest of one corpus. Raises IndexMismatchError (other format or embedder), IngestError if damaged."""

    def __init__(self, files: CorpusFiles, embedder: str, reembed: bool = False) -> None:
        files.root.mkdir(parents=True, exist_ok=True)
        self._name = files.root.name
        try:
            self.connection = open_manifest(files.manifest)
            self._check(files, embedder, reembed)
        except sqlite3.DatabaseError as error:
            raise IngestError(
                f"{files.manifest} cannot be used ({error}): delete {files.root} and run "
                f"graft ingest --domain {self._name}"
            ) from error

    def close(self) -> None:
        """Close the database; its write-ahead log is merged."""
        self.connection.close()

    def _check(self, files: CorpusFiles, embedder: str, reembed: bool) -> None:
        found = dict(self.connection.execute("SELECT key, value FROM meta"))
        if "format" in found and int(found["format"]) != FORMAT:
            raise IndexMismatchError(
                f"{files.manifest} has format {found['format']}, this Graft knows {FORMAT}: use the Graft that wrote "
                f"it, or delete {files.root} and run graft ingest --domain {self._name}"
            )
        known = found.get("embedder", embedder)
        if known != embedder and not reembed and self._holds_vectors():
            raise IndexMismatchError(
                f"the index of '{self._name}' was made by another embedder ({known[:8]}, now {embedder[:8]}): go back "
                f"to that one with --embedder, or delete {files.root} and run graft ingest --domain {self._name}"
            )
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            if known != embedder:
                for table in ("chunks", "vectors", "documents", "lexical"):
                    self.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
                self._bump()
            values = {"format": str(FORMAT), "embedder": embedder, "revision": found.get("revision", "0")}
            if known != embedder:
                del values["revision"]
            self.connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def _holds_vectors(self) -> bool:
        return self.connection.execute("SELECT 1 FROM vectors LIMIT 1").fetchone() is not None

    @property
    def revision(self) -> int:
        """Grows with every change."""
        return int(self.connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()[0])

    def known(self) -> dict[str, Known]:
        """All documents by source."""
        rows = self.connection.execute(
            "SELECT source, sha256, size, mtime_ns, seen_ns, status, reason, parsing FROM documents"
        )
        return {source: Known(*rest) for source, *rest in rows}

    def count(self) -> tuple[int, int]:
        """Chunks and indexed documents."""
        (chunks,) = self.connection.execute("SELECT count(*) FROM chunks").fetchone()
        (documents,) = self.connection.execute("SELECT count(*) FROM documents WHERE status = 'indexed'").fetchone()
        return chunks, documents

    def missing_vectors(self, chunks: Iterable[Chunk]) -> dict[str, str]:
        """Texts that are to be embedded, by vector key: those of `chunks` that have no vector yet."""
        wanted = {vector_key(chunk): chunk.embedded for chunk in chunks}
        keys = list(wanted)
        for start in range(0, len(keys), _VARIABLES):
            part = keys[start : start + _VARIABLES]
            marks = ",".join("?" * len(part))
            query = f"SELECT key FROM vectors WHERE key IN ({marks})"  # noqa: S608 - question marks
            for (key,) in self.connection.execute(query, part):
                del wanted[key]
        return wanted

    def put(
        self,
        file: FoundFile,
        sha256: str,
        document: ParsedDocument,
        chunks: Sequence[Chunk],
        vectors: Mapping[str, Sequence[float]],
        parsing: str,
    ) -> None:
        """Store an indexed document, replacing what was there. Acknowledged when this returns."""
        seen: dict[str, int] = {}
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            self._forget_chunks(file.source)
            self._put_document(file, sha256, "indexed", "", parsing, document)
            for chunk in chunks:
                key = vector_key(chunk)
                if key in vectors:
                    blob = np.asarray(vectors[key], dtype="<f4").tobytes()
                    self.connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (key, blob))
                seen[key] = seen.get(key, 0) + 1
                self._put_chunk(file.source, chunk, key, chunk_id(file.source, key, seen[key]))
            self._bump()

    def put_rejected(self, file: FoundFile, sha256: str, reason: str, parsing: str) -> None:
        """Remember a rejection, so that the unchanged file need not be parsed again; its old chunks go."""
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            self._forget_chunks(file.source)
            self._put_document(file, sha256, "rejected", reason, parsing, ParsedDocument("", ()))
            self._bump()

    def touch(self, file: FoundFile) -> None:
        """Note a new time or name of an unchanged file."""
        with self.connection:
            self.connection.execute(
                "UPDATE documents SET mtime_ns = ?, size = ?, seen_ns = ? WHERE source = ?",
                (file.mtime_ns, file.size, time.time_ns(), file.source),
            )

    def delete(self, sources: Sequence[str]) -> None:
        """Remove documents whose files are gone."""
        if not sources:
            return
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            for source in sources:
                self._forget_chunks(source)
                self.connection.execute("DELETE FROM documents WHERE source = ?", (source,))
            self._bump()

    def drop_unused_vectors(self) -> None:
        """Remove vectors that no chunk uses any more."""
        with self.connection:
            self.connection.execute("DELETE FROM vectors WHERE key NOT IN (SELECT vector_key FROM chunks)")

    def _put_document(
        self, file: FoundFile, sha256: str, status: str, reason: str, parsing: str, document: ParsedDocument
    ) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.source, sha256, file.size, file.mtime_ns, time.time_ns(), status, reason,
                document.title, parsing, document.format, document.notes,
            ),
        )  # fmt: skip

    def _put_chunk(self, source: str, chunk: Chunk, key: str, identity: str) -> None:
        headings = json.dumps(chunk.headings, ensure_ascii=False)
        cursor = self.connection.execute(
            "INSERT INTO chunks (id, source, ordinal, locator, headings, start, end, page, place, first_line, "
            "last_line, text, vector_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                identity, source, chunk.ordinal, chunk.locator, headings,
                chunk.start, chunk.end, chunk.page, chunk.place, chunk.first_line, chunk.last_line, chunk.text, key,
            ),
        )  # fmt: skip
        self.connection.execute(
            "INSERT INTO lexical (rowid, defined, headings, body) VALUES (?, ?, ?, ?)",
            (cursor.lastrowid, *lexical_row(chunk.text, chunk.headings)),
        )

    def _forget_chunks(self, source: str) -> None:
        self.connection.execute(
            "DELETE FROM lexical WHERE rowid IN (SELECT number FROM chunks WHERE source = ?)", (source,)
        )
        self.connection.execute("DELETE FROM chunks WHERE source = ?", (source,))

    def _bump(self) -> None:
        self.connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'")


def vector_key(chunk: Chunk) -> str:
    """Hash of what is embedded."""
    return hashlib.sha256(chunk.embedded.encode()).hexdigest()[:40]


def chunk_id(source: str, key: str, repetition: int) -> str:
    """Stable id of a chunk: where it is from, what it says, and which repetition it is within the document."""
    return hashlib.sha256(f"{source}\0{key}\0{repetition}".encode()).hexdigest()[:32]
