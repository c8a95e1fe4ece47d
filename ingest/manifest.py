"""The writing side of the manifest: documents, chunks and vectors. Knows no Chroma and no embedder.

A document is acknowledged when its transaction is on disk; whatever happens later, the next run finds it. Documents
may share a transaction. Vectors may be there before the chunks that use them.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import GraftError, IndexMismatchError, IngestError
from core.files import disk_error
from core.index import CorpusFiles, open_manifest
from ingest.chunk_rows import embedded_text, forget_chunks, read_chunks, replace_chunks
from ingest.documents import Document, Known
from ingest.files import FoundFile
from ingest.migrate import prepare_schema

_VARIABLES = 500  # well below SQLite's limit for one statement


class Manifest:
    """The open manifest of one corpus, for one thread at a time.

    `embedder` is the fingerprint of the embedder that vectors are to come from; None leaves vectors alone (repair).
    With `reembed`, vectors of another embedder are made anew beside the old ones, which stay until `switch_vectors`.
    Raises IndexMismatchError (newer format, other embedder), IngestError if damaged.
    """

    def __init__(self, files: CorpusFiles, embedder: str | None, *, reembed: bool = False) -> None:
        self.name = files.root.name
        self.files = files
        # Where vectors are written to and looked up in.
        self.vectors = "vectors"
        try:
            files.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, files.root) from error
        try:
            self.connection = open_manifest(files.manifest)
        except sqlite3.Error as error:
            raise manifest_error(error, files) from error
        try:
            self.backup: Path | None = prepare_schema(self.connection, files)
            self._identify()
            if embedder is not None:
                self._accept(embedder, reembed=reembed)
        except sqlite3.Error as error:
            self.connection.close()
            raise manifest_error(error, files) from error
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        """Close the database; its write-ahead log is merged."""
        self.connection.close()

    def reader(self) -> sqlite3.Connection:
        """Another connection, for reading from another thread. Sees what is acknowledged."""
        return sqlite3.connect(self.files.manifest, timeout=30, isolation_level=None, check_same_thread=False)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on disk when it ends."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def _identify(self) -> None:
        with self.transaction():
            for key, value in (("revision", "0"), ("id", uuid.uuid4().hex)):
                self.connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, value))

    # --- whose vectors ---

    def _accept(self, embedder: str, *, reembed: bool) -> None:
        known = self.meta("embedder")
        if known not in (None, embedder) and not reembed and self._holds_vectors():
            raise IndexMismatchError(
                f"the index of '{self.name}' was made by another embedder ({str(known)[:8]}, now {embedder[:8]}): go "
                f"back to that one with --embedder, or run graft ingest --domain {self.name} --reembed, which embeds "
                "every chunk again"
            )
        with self.transaction():
            if not reembed or not self._holds_vectors():
                self.connection.execute("DROP TABLE IF EXISTS vectors_next")
                self._set("reembedding", None)
                self._set("embedder", embedder)
                return
            if self.meta("reembedding") != embedder:  # else a run that was killed is taken up
                self.connection.execute("DROP TABLE IF EXISTS vectors_next")
                self.connection.execute(
                    "CREATE TABLE vectors_next (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
                )
                self._set("reembedding", embedder)
        self.vectors = "vectors_next"

    @property
    def is_reembedding(self) -> bool:
        """Whether vectors are being made anew, beside the old ones."""
        return self.vectors != "vectors"

    def switch_vectors(self) -> None:
        """After a re-embedding: the new vectors take the place of the old ones. Nothing happens without one."""
        if not self.is_reembedding:
            return
        with self.transaction():
            self.connection.execute("DROP TABLE vectors")
            self.connection.execute("ALTER TABLE vectors_next RENAME TO vectors")
            self._set("embedder", self.meta("reembedding"))
            self._set("reembedding", None)
            self.bump()
        self.vectors = "vectors"

    def _holds_vectors(self) -> bool:
        return self.connection.execute("SELECT 1 FROM vectors LIMIT 1").fetchone() is not None

    def meta(self, key: str) -> str | None:
        """A value of the table `meta`: format, id, revision, embedder."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _set(self, key: str, value: str | None) -> None:
        if value is None:
            self.connection.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @property
    def revision(self) -> int:
        """Grows with every change of what a generation holds."""
        return int(self.meta("revision") or 0)

    def bump(self) -> None:
        """Make the revision grow."""
        self.connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'revision'")

    def next_generation(self, above: int) -> int:
        """A number for a generation that none has had, greater than `above`."""
        with self.transaction():
            number = max(above, int(self.meta("generation") or 0)) + 1
            self._set("generation", str(number))
        return number

    # --- reading ---

    def known(self) -> dict[str, Known]:
        """All documents by source."""
        rows = self.connection.execute(
            "SELECT source, sha256, size, mtime_ns, seen_ns, status, reason, parsing FROM documents"
        )
        return {source: Known(*rest) for source, *rest in rows}

    def last_number(self) -> int:
        """The highest number that a chunk has or had."""
        row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
        return 0 if row is None else int(row[0])

    def count_without_vector(self) -> int:
        """How many different texts of chunks have no vector."""
        query = f"SELECT count(DISTINCT vector_key) FROM chunks c WHERE {self._lacks_vector}"  # noqa: S608 - our own names
        return int(self.connection.execute(query).fetchone()[0])

    def texts_without_vector(self, limit: int, after: str = "") -> dict[str, str]:
        """Texts of chunks that have no vector, by vector key, from the key `after` on; as they were embedded first."""
        query = (
            f"SELECT vector_key, headings, text FROM chunks c WHERE vector_key > ? AND {self._lacks_vector} "  # noqa: S608 - our own names
            "GROUP BY vector_key ORDER BY vector_key LIMIT ?"
        )
        rows = self.connection.execute(query, (after, limit))
        return {key: embedded_text(text, json.loads(headings)) for key, headings, text in rows}

    @property
    def _lacks_vector(self) -> str:
        return f"NOT EXISTS (SELECT 1 FROM {self.vectors} v WHERE v.key = c.vector_key)"  # noqa: S608 - our own name

    # --- writing ---

    def put_vectors(self, vectors: Mapping[str, bytes]) -> None:
        """Store vectors (little-endian float32) by key."""
        with self.transaction():
            self.connection.executemany(
                f"INSERT OR REPLACE INTO {self.vectors} VALUES (?, ?)",  # noqa: S608 - our own name
                vectors.items(),
            )

    def put(self, documents: Sequence[Document], parsing: str) -> None:
        """Store documents, replacing what was there. Acknowledged when this returns; their vectors are there before."""
        with self.transaction():
            for document in documents:
                self._put_document(document, "indexed", "", parsing)
                replace_chunks(self.connection, document.file.source, document.chunks)
            self.bump()

    def put_rejected(self, rejected: Sequence[tuple[FoundFile, str, str]], parsing: str) -> None:
        """Remember rejections (file, sha256, reason), so that unchanged files need not be parsed; old chunks go."""
        with self.transaction():
            for file, sha256, reason in rejected:
                if forget_chunks(self.connection, file.source):
                    self.bump()
                self._put_document(Document(file, sha256, ()), "rejected", reason, parsing)

    def copy(self, source: str, file: FoundFile) -> None:
        """Store `file`, whose bytes are those of the document `source`: its chunks under another name.

        To be called inside a transaction.
        """
        row = self.connection.execute(
            "SELECT sha256, title, format, notes, parsing FROM documents WHERE source = ?", (source,)
        ).fetchone()
        sha256, title, format, notes, parsing = row
        # Formats without headings take the file's name for a title.
        title = Path(file.source).stem if title == Path(source).stem else title
        document = Document(file, sha256, read_chunks(self.connection, source), title, format, notes)
        self._put_document(document, "indexed", "", parsing)
        replace_chunks(self.connection, document.file.source, document.chunks)
        self.bump()

    def note_failure(self, failed: Sequence[tuple[str, str]]) -> None:
        """Note of indexed documents (source, reason) that they could not be read this time. They stay as they are."""
        with self.transaction():
            self.connection.executemany(
                "UPDATE documents SET reason = ? WHERE source = ?", [(reason, source) for source, reason in failed]
            )

    def touch(self, file: FoundFile) -> None:
        """Note a new time of an unchanged file. To be called inside a transaction."""
        self.connection.execute(
            "UPDATE documents SET mtime_ns = ?, size = ?, seen_ns = ? WHERE source = ?",
            (file.mtime_ns, file.size, time.time_ns(), file.source),
        )

    def delete(self, sources: Iterable[str]) -> None:
        """Remove documents. To be called inside a transaction."""
        for source in sources:
            if forget_chunks(self.connection, source):
                self.bump()
            self.connection.execute("DELETE FROM documents WHERE source = ?", (source,))

    def drop_unused_vectors(self) -> None:
        """Remove vectors that no chunk uses any more."""
        with self.transaction():
            self.connection.execute(
                "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.vector_key = vectors.key)"
            )

    def _put_document(self, document: Document, status: str, reason: str, parsing: str) -> None:
        file = document.file
        self.connection.execute(
            "INSERT OR REPLACE INTO documents (source, sha256, size, mtime_ns, seen_ns, status, reason, title, "
            "parsing, format, notes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.source, document.sha256, file.size, file.mtime_ns, time.time_ns(), status, reason,
                document.title, parsing, document.format, document.notes,
            ),
        )  # fmt: skip


def keys_with_vector(connection: sqlite3.Connection, table: str, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that have a vector in `table`."""
    found: set[str] = set()
    for start in range(0, len(keys), _VARIABLES):
        part = keys[start : start + _VARIABLES]
        marks = ",".join("?" * len(part))
        query = f"SELECT key FROM {table} WHERE key IN ({marks})"  # noqa: S608 - our own name, question marks
        found.update(key for (key,) in connection.execute(query, part))
    return found


def manifest_error(error: sqlite3.Error, files: CorpusFiles) -> GraftError:
    """An error of SQLite on the manifest as one line with a remedy."""
    if "full" in str(error):
        return IngestError(
            f"no space left while writing {files.manifest}: free some disk, then run the same command again"
        )
    if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
        return IngestError(
            f"{files.manifest} cannot be used ({error}): check disk and permissions, then run the same command again"
        )
    return IngestError(f"{files.manifest} is damaged ({error}): run graft index repair --domain {files.root.name}")
