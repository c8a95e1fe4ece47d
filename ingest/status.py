"""What an index holds and how large it is, read without a lock and without opening Chroma."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from core.errors import IndexMismatchError, IngestError
from core.index import FORMAT, CorpusFiles
from ingest.manifest import manifest_error
from ingest.report import Note, Rejected


class IndexStatus(BaseModel):
    """An index as it stands. `served` is what the pointer names; `waiting` counts changes it does not hold yet.

    `embedder` is the fingerprint of whatever made the vectors, sizes are in bytes, `built` is ISO time. `backups` are
    older or damaged manifests that were kept aside; they may be deleted.
    """

    corpus: str
    folder: str
    format: int
    documents: int
    chunks: int
    vectors: int
    rejected: list[Rejected]
    notes: list[Note]
    embedder: str
    served: str | None
    built: str | None
    waiting: int
    chroma: str
    manifest_bytes: int
    generations_bytes: int
    backups: list[str]


def index_status(corpus_dir: Path) -> IndexStatus:
    """Look. Raises IngestError when there is no index or it cannot be read, IndexMismatchError for other formats."""
    files = CorpusFiles(corpus_dir)
    name = corpus_dir.name
    if not files.manifest.is_file():
        remedy = f"graft index repair --domain {name}" if files.pointer.is_file() else f"graft ingest --domain {name}"
        raise IngestError(f"'{name}' has no index in {corpus_dir}: run {remedy}")
    generation = files.read_pointer()
    try:
        with closing(
            sqlite3.connect(f"{files.manifest.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        ) as manifest:
            meta = dict(manifest.execute("SELECT key, value FROM meta").fetchall())
            found = int(meta.get("format", 0))
            if found != FORMAT:
                raise IndexMismatchError(f"the index of '{name}' has format {found}, not {FORMAT}: run graft ingest")
            counts = [
                manifest.execute(f"SELECT count(*) FROM {what}").fetchone()[0]  # noqa: S608 - our own names
                for what in ("documents WHERE status = 'indexed'", "chunks", "vectors")
            ]
            rejected = manifest.execute(
                "SELECT source, reason FROM documents WHERE status = 'rejected' ORDER BY source"
            ).fetchall()
            notes = manifest.execute("SELECT source, notes FROM documents WHERE notes <> '' ORDER BY source").fetchall()
    except sqlite3.Error as error:
        raise manifest_error(error, files) from error
    built = files.pointer.stat().st_mtime if generation else 0
    return IndexStatus(
        corpus=name,
        folder=str(corpus_dir),
        format=found,
        documents=counts[0],
        chunks=counts[1],
        vectors=counts[2],
        rejected=[Rejected(source=source, reason=reason) for source, reason in rejected],
        notes=[Note(source=source, note=note) for source, note in notes],
        embedder=meta.get("embedder", ""),
        served=generation.name if generation else None,
        built=datetime.fromtimestamp(built, UTC).isoformat(timespec="seconds") if generation else None,
        waiting=int(meta.get("revision", 0)) - (generation.revision if generation else 0),
        chroma=(generation.chroma_url or "embedded") if generation else "",
        manifest_bytes=_size(*files.root.glob("manifest.sqlite*")),
        generations_bytes=_size(*files.generations.rglob("*")),
        backups=sorted(path.name for path in files.root.glob("manifest.*.sqlite")),
    )


def _size(*paths: Path) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # a generation that is being removed
            continue
    return total
