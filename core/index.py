"""The index of one corpus on disk: the file contract that `ingest` writes and `retriever` reads.

    manifest.sqlite          the truth: documents, chunks, vectors, lexical index (WAL, full sync); for ingest alone
    generation.json          the pointer: which generation is served
    retriever.json           what `graft retriever tune` found for this corpus, if it was run
    generations/<name>/      immutable once pointed at: manifest.sqlite (a snapshot) and chroma/ (the same vectors)

A reader opens only what the pointer names, so it sees a whole generation or the one before. Knows no embedder, no
Chroma and no document format.
"""

import contextlib
import hashlib
import json
import sqlite3
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import IndexMismatchError
from core.files import write_json

FORMAT = 2

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- One row per file that was seen; status is 'indexed' or 'rejected'. `parsing` names how it was cut.
CREATE TABLE IF NOT EXISTS documents (
    source TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    seen_ns INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '',
    parsing TEXT NOT NULL, format TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
-- `start` and `end` are characters in the document's text; `headings` a JSON list, outermost first. Where they apply:
-- `page`, `place` ("page 3", "slide 2", "sheet Prices, rows 4-9"), and the lines of text files. Rows are never changed
-- and numbers never used again, so that numbers alone tell what a generation lacks; order is by source and ordinal.
CREATE TABLE IF NOT EXISTS chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, ordinal INTEGER NOT NULL,
    locator TEXT NOT NULL, headings TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, page INTEGER,
    place TEXT NOT NULL DEFAULT '', first_line INTEGER, last_line INTEGER,
    text TEXT NOT NULL, vector_key TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS chunks_of_source ON chunks (source, ordinal);
CREATE INDEX IF NOT EXISTS chunks_of_vector ON chunks (vector_key);
-- Little-endian float32, length 1. Keyed by the hash of what was embedded: equal text is embedded once.
CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
-- rowid = chunks.number; the columns hold terms (core/terms.py), so that identifiers stay whole.
CREATE VIRTUAL TABLE IF NOT EXISTS lexical USING fts5(
    defined, headings, body, tokenize = "porter unicode61 remove_diacritics 2 tokenchars '_.-/:'"
);
CREATE VIRTUAL TABLE IF NOT EXISTS lexical_terms USING fts5vocab(lexical, row);
"""


class Generation(BaseModel):
    """What the pointer names. `revision` is the manifest's when it was built; `collection` the name inside Chroma."""

    model_config = ConfigDict(frozen=True)

    name: str
    revision: int
    collection: str
    chunks: int
    documents: int
    embedder: str
    chroma_url: str | None = None
    format: int = FORMAT
    # Chunks added and removed since this line of copies was last built from nothing.
    churn: int = 0


class CorpusFiles:
    """Paths of one corpus index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root / "manifest.sqlite"
        self.pointer = root / "generation.json"
        self.generations = root / "generations"
        # Where parsing processes may write; empty between ingestions.
        self.scratch = root / "parsing"
        self.tuning = root / "retriever.json"

    def snapshot(self, generation: str) -> Path:
        """The manifest as it was when the generation was built."""
        return self.generations / generation / "manifest.sqlite"

    def chroma(self, generation: str) -> Path:
        """Folder of the embedded Chroma of a generation."""
        return self.generations / generation / "chroma"

    def read_pointer(self) -> Generation | None:
        """The generation that is served, or None before the first ingestion. Raises IndexMismatchError."""
        name = self.root.name
        try:
            content = json.loads(self.pointer.read_text(encoding="utf-8"))
            found = int(content["format"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexMismatchError(
                f"{self.pointer} cannot be read ({error}): run graft index repair --domain {name}"
            ) from error
        if found < FORMAT:
            raise IndexMismatchError(
                f"the index of '{name}' is in the format of an older Graft: run graft ingest --domain {name}, which "
                "brings it up to date and keeps what was embedded"
            )
        if found > FORMAT:
            raise IndexMismatchError(
                f"the index of '{name}' was written by a newer Graft (format {found}, this one knows {FORMAT}): use "
                f"that one, or delete {self.root} and run graft ingest --domain {name}"
            )
        try:
            return Generation.model_validate(content)
        except ValidationError as error:
            raise IndexMismatchError(
                f"{self.pointer} lacks {error.errors()[0]['loc']}: run graft index repair --domain {name}"
            ) from error

    def pointed_name(self) -> str | None:
        """Name of the generation that is served, of whatever format it is."""
        try:
            return str(json.loads(self.pointer.read_text(encoding="utf-8"))["name"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_pointer(self, generation: Generation) -> None:
        """Switch to `generation` in one step."""
        write_json(self.pointer, generation.model_dump())


def open_manifest(path: Path) -> sqlite3.Connection:
    """Open a manifest for writing; creates the file, no tables. For one thread at a time. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def open_snapshot(path: Path) -> sqlite3.Connection:
    """Open a generation's snapshot for reading, from any thread; the caller serialises. Raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def corpus_counts(root: Path) -> tuple[int, int] | None:
    """Documents and chunks of the corpus indexed in `root`, or None before its first ingestion."""
    generation = CorpusFiles(root).read_pointer()
    return None if generation is None else (generation.documents, generation.chunks)


def index_fingerprint(root: Path) -> str:
    """Hash of what the index in `root` holds: every chunk's id and the embedder. Same content, same hash."""
    files = CorpusFiles(root)
    generation = files.read_pointer()
    if generation is None:
        return ""
    digest = hashlib.sha256(generation.embedder.encode())
    with contextlib.closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        for (chunk,) in snapshot.execute("SELECT id FROM chunks ORDER BY id"):
            digest.update(str(chunk).encode())
    return digest.hexdigest()
