"""What must hold of an index after a kill, and after the run that follows; looked into without the code that wrote it.

Everything is compared with what the files themselves give when they are parsed: ids of chunks, whole documents.
"""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath

from bench.kill_child import HashEmbedder, settings
from core.errors import GraftError
from core.index import CorpusFiles, open_snapshot
from ingest.chunk_rows import chunk_hashes
from ingest.chunks import make_chunks
from ingest.files import FoundFile
from ingest.pool import ParserPool
from ingest.served import verify_collection


class Truth:
    """Chunk ids that files must have in an index, from parsing them here; the same content is parsed once."""

    def __init__(self, pool: ParserPool) -> None:
        self._pool = pool
        self._known: dict[tuple[str, str], list[tuple[str, list[str]]] | None] = {}

    def learn(self, files: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
        """Parse what is new."""
        new = {(hashes[source], PurePosixPath(source).suffix): (source, path) for source, path in files.items()}
        new = {key: value for key, value in new.items() if key not in self._known}
        found = [FoundFile(source, path, path.stat().st_size, 0) for source, path in new.values()]
        for key, parsed in zip(new, self._pool.parse(found), strict=True):
            if not parsed.sha256:
                raise RuntimeError(f"the bench's own parser failed, start anew: {parsed.file.source}: {parsed.reason}")
            if parsed.document is None:
                self._known[key] = None
                continue
            chunks = make_chunks(parsed.document, settings().chunk_tokens, HashEmbedder("").count_many)
            self._known[key] = [(chunk.text, list(chunk.headings)) for chunk in chunks]

    def ids(self, source: str, sha256: str) -> list[str] | None:
        """Ids of the chunks of `source` with this content, in order; None if it cannot be parsed."""
        chunks = self._known.get((sha256, PurePosixPath(source).suffix))
        return None if chunks is None else [identity for identity, _ in chunk_hashes(source, chunks)]


def after_kill(files: CorpusFiles, truth: Truth, acknowledged: Mapping[str, str]) -> list[str]:
    """Violations: what was acknowledged (source: hash) is not there, is not whole, or cannot be opened."""
    if not files.manifest.exists():
        return [f"{len(acknowledged)} acknowledged documents, and no manifest"] if acknowledged else []
    found: list[str] = []
    try:
        with closing(sqlite3.connect(files.manifest, timeout=10)) as manifest:
            found += _check_database(manifest, "manifest")
            if manifest.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchone():
                found += _check_documents(manifest, truth, "manifest")
                held = dict(
                    manifest.execute("SELECT source, sha256 FROM documents WHERE status = 'indexed'").fetchall()
                )
            else:
                held = {}
    except sqlite3.DatabaseError as error:
        return [*found, f"the manifest does not open: {error}"]
    found += [
        f"lost: {source} was acknowledged" for source, sha256 in acknowledged.items() if held.get(source) != sha256
    ]
    return found + _check_served(files, truth)


def after_completion(files: CorpusFiles, truth: Truth, hashes: Mapping[str, str], embedder: str) -> list[str]:
    """Violations: what is served is not what a fresh index of the same files would be."""
    generation = files.read_pointer()
    if generation is None:
        return ["nothing is served after a run that was not killed"]
    expected = {source: truth.ids(source, sha256) for source, sha256 in hashes.items()}
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        served: dict[str, list[str]] = {}
        for source, identity in snapshot.execute("SELECT source, id FROM chunks ORDER BY source, ordinal"):
            served.setdefault(source, []).append(identity)
    found = _check_served(files, truth)
    if served != {source: ids for source, ids in expected.items() if ids}:
        sources = {source for source in served.keys() | expected.keys() if served.get(source) != expected.get(source)}
        found.append(f"served is not what the files give: {sorted(sources)[:5]}")
    if embedder and generation.embedder != embedder:
        found.append(f"served vectors are of {generation.embedder}, not {embedder}")
    left = [path.name for path in files.generations.iterdir() if path.name > generation.name]
    return found + [f"left behind: generation {name}" for name in left]


def digest(files: CorpusFiles) -> str:
    """Hash of the ids, texts and vectors that are served."""
    generation = files.read_pointer()
    assert generation is not None
    total = hashlib.sha256()
    query = "SELECT c.id, c.text, v.vector FROM chunks c JOIN vectors v ON v.key = c.vector_key ORDER BY c.id"
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        for row in snapshot.execute(query):
            total.update(repr(row).encode())
    return total.hexdigest()


def _check_served(files: CorpusFiles, truth: Truth) -> list[str]:
    """The served generation opens, its documents are whole, and Chroma has its ids and vectors."""
    if not files.pointer.exists():
        return []
    try:
        generation = files.read_pointer()
        assert generation is not None
        with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
            found = _check_database(snapshot, "snapshot") + _check_documents(snapshot, truth, "snapshot")
        trouble = verify_collection(files, generation)
    except (GraftError, sqlite3.DatabaseError) as error:
        return [f"what is served does not open: {error}"]
    return [*found, f"Chroma: {trouble}"] if trouble else found


def _check_database(connection: sqlite3.Connection, name: str) -> list[str]:
    result = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return [] if result == "ok" else [f"{name} is damaged: {result}"]


def _check_documents(connection: sqlite3.Connection, truth: Truth, name: str) -> list[str]:
    """Every document is there whole or not at all, with words and vectors, and no chunk twice."""
    found = []
    chunks: dict[str, list[str]] = {}
    for source, identity in connection.execute("SELECT source, id FROM chunks ORDER BY source, ordinal, number"):
        chunks.setdefault(source, []).append(identity)
    documents = connection.execute("SELECT source, sha256 FROM documents WHERE status = 'indexed'").fetchall()
    for source, sha256 in documents:
        held, ids = chunks.pop(source, []), truth.ids(source, sha256)
        if held != ids:
            what = "not to be parsed" if ids is None else "doubled" if len(held) > len(ids) else "not whole"
            found.append(f"{name}: {source} is {what}")
    found += [f"{name}: chunks of {source}, which is no document" for source in chunks]
    for what, query in {
        "chunks without words": "SELECT count(*) FROM chunks WHERE number NOT IN (SELECT rowid FROM lexical)",
        "words without chunks": "SELECT count(*) FROM lexical WHERE rowid NOT IN (SELECT number FROM chunks)",
        "chunks without a vector": "SELECT count(*) FROM chunks WHERE vector_key NOT IN (SELECT key FROM vectors)",
    }.items():
        (count,) = connection.execute(query).fetchone()
        # While every chunk is embedded again, the vectors of new ones are in another table.
        if count and not (what == "chunks without a vector" and name == "manifest" and _reembeds(connection)):
            found.append(f"{name}: {count} {what}")
    return found


def _reembeds(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM meta WHERE key = 'reembedding'").fetchone() is not None
