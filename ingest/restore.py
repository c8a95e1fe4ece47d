"""A manifest that cannot be used: replaced by the newest copy of it, and what is still readable is carried over.

Every generation holds a copy. The damaged file is kept under another name.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from core.index import CorpusFiles, open_snapshot
from ingest.check import check_database
from ingest.chunks import Chunk
from ingest.documents import Document
from ingest.files import FoundFile
from ingest.manifest import Manifest


def restore_manifest(files: CorpusFiles, damage: str) -> Iterator[str]:
    """Put the newest whole copy in place of a damaged manifest, and carry over what can still be read of that.

    Says what it does, a line each. Raises OSError.
    """
    aside = files.root / f"manifest.damaged-{time.strftime('%Y%m%d-%H%M%S')}.sqlite"
    copy, fresh = _newest_copy(files), files.root / "manifest.restored.sqlite"
    if copy is not None:
        shutil.copyfile(copy, fresh)
    for path in (files.manifest, *(files.root / f"{files.manifest.name}{suffix}" for suffix in ("-wal", "-shm"))):
        if path.exists():
            path.replace(aside.with_name(path.name.replace(files.manifest.name, aside.name)))
    kept = f"the damaged manifest ({damage}) is kept as {aside.name}" if aside.exists() else "the manifest was missing"
    if copy is None:
        files.pointer.unlink(missing_ok=True)
        yield f"{kept}; there is no copy of it: graft ingest --domain {files.root.name} reads every file again"
        return
    fresh.replace(files.manifest)
    yield f"{kept}; generation {copy.parent.name} has its content from when it was built"
    if aside.exists():
        with closing(Manifest(files, None)) as manifest:
            carried = _carry_over(aside, manifest)
        if carried:
            yield f"carried over {carried} documents that were acknowledged since"


def _newest_copy(files: CorpusFiles) -> Path | None:
    """The snapshot to restore from: that of the served generation, else of the newest one that is whole."""
    if not files.generations.is_dir():
        return None
    served = files.pointed_name()
    names = sorted((path.name for path in files.generations.iterdir()), reverse=True)
    for name in sorted(names, key=lambda name: name != served):
        path = files.snapshot(name)
        if path.is_file():
            with suppress(sqlite3.Error), closing(open_snapshot(path)) as snapshot:
                if not check_database(snapshot):
                    return path
    return None


def _carry_over(damaged: Path, manifest: Manifest) -> int:
    """Store the documents of `damaged` that `manifest` lacks or has otherwise, as far as they can be read."""
    carried = 0
    with suppress(sqlite3.Error), closing(sqlite3.connect(damaged, timeout=5)) as old:
        query = (
            "SELECT source, sha256, size, mtime_ns, parsing, title, format, notes FROM documents "
            "WHERE status = 'indexed'"
        )
        known = manifest.known()
        for source, sha256, size, mtime_ns, parsing, *rest in _readable(old, query):
            if source in known and (known[source].sha256, known[source].parsing) == (sha256, parsing):
                continue
            with suppress(sqlite3.Error, ValueError):
                chunks, vectors = _chunks_of(old, source)
                if not chunks:
                    continue
                manifest.put_vectors(vectors)
                file = FoundFile(source, Path(), size, mtime_ns)
                manifest.put([Document(file, sha256, chunks, *rest)], parsing)
                carried += 1
    return carried


def _readable(connection: sqlite3.Connection, query: str) -> Iterator[tuple]:
    """Rows up to the first that cannot be read."""
    with suppress(sqlite3.Error):
        yield from connection.execute(query)


def _chunks_of(old: sqlite3.Connection, source: str) -> tuple[list[Chunk], dict[str, bytes]]:
    query = (
        "SELECT c.ordinal, c.start, c.end, c.text, c.headings, c.locator, c.page, c.place, c.first_line, c.last_line, "
        "c.vector_key, v.vector FROM chunks c LEFT JOIN vectors v ON v.key = c.vector_key WHERE c.source = ? "
        "ORDER BY c.ordinal"
    )
    chunks, vectors = [], {}
    for ordinal, start, end, text, headings, *place, key, vector in old.execute(query, (source,)):
        if ordinal != len(chunks):
            raise ValueError("chunks are missing")
        chunks.append(Chunk(ordinal, start, end, text, tuple(json.loads(headings)), *place))
        if vector is not None:
            vectors[key] = vector
    return chunks, vectors
