"""Builds, verifies and switches to a generation: a snapshot of the manifest and a Chroma collection with its vectors.

A generation is built beside the one that is served and pointed at when it is whole; killed in between, its folder is
rubbish that the next run removes. Nothing is embedded here. Small changes start from a copy of the served generation.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.errors import IngestError
from core.index import CorpusFiles, Generation, open_snapshot
from ingest.chroma import HNSW, open_chroma

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

_BATCH = 2000  # Chroma takes at most 5,461 at once
_COPY_BELOW = 0.3  # share of changed chunks up to which a copy is cheaper than building anew
_COLUMNS = "c.id, c.source, c.ordinal, c.locator, c.start, c.end, c.text, v.vector"

Row = tuple[str, str, int, str, int, int, str, bytes]
Progress = Callable[[int, int], None]


def build_generation(
    files: CorpusFiles, manifest: sqlite3.Connection, embedder: str, chroma_url: str | None, on_progress: Progress
) -> Generation:
    """Bring what is served up to the manifest; does nothing when it already is. Raises IngestError."""
    served = files.read_pointer()
    revision = int(manifest.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()[0])
    if served and _is_whole(files, served) and (served.revision, served.chroma_url) == (revision, chroma_url):
        return served
    _remove_rubbish(files, served)
    name = _next_name(files)
    (files.generations / name).mkdir(parents=True)
    manifest.execute("VACUUM INTO ?", (str(files.snapshot(name)),))
    generation = _describe(files, name, revision, embedder, chroma_url)
    copied = _copy_chroma(files, served, generation)
    client = open_chroma(files.chroma(name), chroma_url)
    try:
        if copied and served:
            _update(client, files, served, generation, on_progress)
        else:
            _fill(client, files, generation, on_progress)
        _verify(client, files, generation)
    finally:
        client.close()
    _flush(files.generations / name)
    files.write_pointer(generation)
    if served and served.chroma_url and served.collection != generation.collection:
        _drop_collection(served)
    return generation


def _describe(files: CorpusFiles, name: str, revision: int, embedder: str, chroma_url: str | None) -> Generation:
    with closing(open_snapshot(files.snapshot(name))) as snapshot:
        (chunks,) = snapshot.execute("SELECT count(*) FROM chunks").fetchone()
        (documents,) = snapshot.execute("SELECT count(*) FROM documents WHERE status = 'indexed'").fetchone()
    return Generation(
        name=name,
        revision=revision,
        collection=f"graft-{files.root.name}-{name}",
        chunks=chunks,
        documents=documents,
        embedder=embedder,
        chroma_url=chroma_url,
    )


def _is_whole(files: CorpusFiles, generation: Generation) -> bool:
    return files.snapshot(generation.name).is_file() and (
        generation.chroma_url is not None or files.chroma(generation.name).is_dir()
    )


def _next_name(files: CorpusFiles) -> str:
    files.generations.mkdir(parents=True, exist_ok=True)
    taken = [int(path.name) for path in files.generations.iterdir() if path.name.isdigit()]
    return f"{max(taken, default=0) + 1:06d}"


def _remove_rubbish(files: CorpusFiles, served: Generation | None) -> None:
    """Remove half-built generations and those before the served one (a reader may still be on the served one)."""
    if not files.generations.is_dir():
        return
    for path in files.generations.iterdir():
        if served is None or path.name != served.name:
            shutil.rmtree(path, ignore_errors=True)


def _changes(files: CorpusFiles, served: Generation, generation: Generation) -> tuple[list[str], list[str]]:
    """Ids to remove from a copy of the served generation, and ids to write into it."""
    rows = "SELECT id, source, ordinal, locator, start, end, vector_key FROM {}chunks"
    with closing(open_snapshot(files.snapshot(generation.name))) as new:
        new.execute("ATTACH ? AS old", (f"{files.snapshot(served.name).absolute().as_uri()}?mode=ro&immutable=1",))
        gone = [row[0] for row in new.execute("SELECT id FROM old.chunks EXCEPT SELECT id FROM main.chunks")]
        changed = [row[0] for row in new.execute(f"{rows.format('main.')} EXCEPT {rows.format('old.')}")]
    return gone, changed


def _copy_chroma(files: CorpusFiles, served: Generation | None, generation: Generation) -> bool:
    """Copy the served Chroma folder when little has changed. It is at rest: nobody writes to a served generation."""
    if served is None or served.chroma_url or generation.chroma_url or not _is_whole(files, served):
        return False
    if served.embedder != generation.embedder:
        return False
    gone, changed = _changes(files, served, generation)
    if len(gone) + len(changed) > _COPY_BELOW * max(generation.chunks, 1):
        return False
    shutil.copytree(files.chroma(served.name), files.chroma(generation.name))
    return True


def _update(
    client: "Client", files: CorpusFiles, served: Generation, generation: Generation, on_progress: Progress
) -> None:
    collection = client.get_collection(served.collection, embedding_function=None)
    collection.modify(name=generation.collection)
    gone, changed = _changes(files, served, generation)
    for start in range(0, len(gone), _BATCH):
        collection.delete(ids=gone[start : start + _BATCH])
    wanted = set(changed)
    rows = [row for row in _rows(files, generation) if row[0] in wanted]
    for start in range(0, len(rows), _BATCH):
        _write(collection, rows[start : start + _BATCH])
        on_progress(min(start + _BATCH, len(rows)), len(rows))


def _fill(client: "Client", files: CorpusFiles, generation: Generation, on_progress: Progress) -> None:
    with suppress(Exception):  # a server may hold a half-built collection of this name
        client.delete_collection(generation.collection)
    collection = client.create_collection(
        generation.collection,
        configuration=cast("Any", {"hnsw": HNSW}),
        embedding_function=None,  # type: ignore[typeddict-item]
    )
    batch: list[Row] = []
    done = 0
    for row in _rows(files, generation):
        batch.append(row)
        if len(batch) == _BATCH:
            _write(collection, batch)
            done += len(batch)
            batch = []
            on_progress(done, generation.chunks)
    if batch:
        _write(collection, batch)
        on_progress(generation.chunks, generation.chunks)


def _rows(files: CorpusFiles, generation: Generation) -> Iterator[Row]:
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        yield from snapshot.execute(
            f"SELECT {_COLUMNS} FROM chunks c JOIN vectors v ON v.key = c.vector_key ORDER BY c.number"  # noqa: S608
        )


def _write(collection: "Collection", rows: list[Row]) -> None:
    collection.upsert(
        ids=[row[0] for row in rows],
        embeddings=np.stack([np.frombuffer(row[7], dtype="<f4") for row in rows]),
        documents=[row[6] for row in rows],
        metadatas=[
            {"source": source, "ordinal": ordinal, "locator": locator, "start": start, "end": end}
            for _, source, ordinal, locator, start, end, *_ in rows
        ],
    )


def _verify(client: "Client", files: CorpusFiles, generation: Generation) -> None:
    """Compare every id and every vector with the snapshot. Raises IngestError."""
    collection = client.get_collection(generation.collection, embedding_function=None)
    expected = {row[0]: row[7] for row in _rows(files, generation)}
    found = 0
    for start in range(0, collection.count(), _BATCH):
        page = collection.get(limit=_BATCH, offset=start, include=["embeddings"])
        wanted = [expected.get(identity) for identity in page["ids"]]
        if any(blob is None for blob in wanted):
            raise _broken(generation)
        vectors = np.stack([np.frombuffer(blob or b"", dtype="<f4") for blob in wanted])
        if np.abs(np.asarray(page["embeddings"], dtype=np.float32) - vectors).max() > 1e-4:
            raise _broken(generation)
        found += len(page["ids"])
    if found != len(expected) or found != generation.chunks:
        raise _broken(generation)


def _broken(generation: Generation) -> IngestError:
    return IngestError(
        f"the new vector index {generation.collection} does not hold what was written to it: the one before stays in "
        "use; run the same command again"
    )


def _flush(folder: Path) -> None:
    """Bring the generation to the disk before anything points at it."""
    for path in [folder, *folder.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _drop_collection(generation: Generation) -> None:
    with suppress(Exception):  # the server may be gone; the collection is rubbish either way
        client = open_chroma(Path(), generation.chroma_url)
        client.delete_collection(generation.collection)
        client.close()
