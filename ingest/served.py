"""What is served of an index: the generation that the pointer names, and whether its parts are there and agree.

Knows how a snapshot and a collection belong together; builds neither.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from core.errors import IndexMismatchError
from core.index import CorpusFiles, Generation, open_snapshot
from ingest import chroma
from ingest.chroma import Row

_SAMPLE = 64  # chunks that are searched for by their own vector when a collection is verified


def served_generation(files: CorpusFiles) -> Generation | None:
    """What the pointer names, or None if there is nothing that today's format can build upon."""
    try:
        return files.read_pointer()
    except IndexMismatchError:
        return None


def is_whole(files: CorpusFiles, generation: Generation) -> bool:
    """Whether the parts of a generation are there; on a server, whether the collection has its chunks."""
    if not files.snapshot(generation.name).is_file():
        return False
    folder = files.chroma(generation.name)
    if generation.chroma_url is None:
        return (folder / "chroma.sqlite3").is_file()
    client = chroma.open_chroma(folder, generation.chroma_url)
    try:
        return chroma.open_collection(client, generation.collection).count() == generation.chunks
    except Exception:  # noqa: BLE001 - chromadb raises its own, for a missing collection too
        return False
    finally:
        client.close()


def verify_collection(files: CorpusFiles, generation: Generation, folder: Path | None = None) -> str:
    """What is wrong with a generation's collection compared with its snapshot; empty if nothing. Raises IngestError.

    `folder`: where the embedded Chroma stands, if elsewhere.
    """
    folder = folder or files.chroma(generation.name)
    client = chroma.open_chroma(folder, generation.chroma_url)
    try:
        with (
            chroma.chroma_errors(folder, generation.chroma_url),
            closing(open_snapshot(files.snapshot(generation.name))) as snapshot,
        ):
            collection = chroma.open_collection(client, generation.collection)
            difference = chroma.compare(collection, read_rows(snapshot, 0, None), generation.chunks)
            if difference:
                return str(difference)
            found, of = chroma.search_sample(collection, _sample(snapshot, generation.chunks))
            return "" if chroma.is_searchable(found, of) else f"only {found} of {of} chunks are found by their vector"
    finally:
        client.close()


def last_number(files: CorpusFiles, generation: Generation) -> int:
    """The highest number that a chunk had when the generation was built."""
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        row = snapshot.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
        return 0 if row is None else int(row[0])


def read_rows(connection: sqlite3.Connection, above: int, upto: int | None, vectors: str = "vectors") -> Iterator[Row]:
    """Chunks with their vectors, numbers `above` < number <= `upto`, in order of their numbers."""
    query = (
        f"SELECT {chroma.ROW} FROM chunks c JOIN {vectors} v ON v.key = c.vector_key "  # noqa: S608 - our own names
        "WHERE c.number > ? AND c.number <= ? ORDER BY c.number"
    )
    for row in connection.execute(query, (above, upto if upto is not None else (1 << 62))):
        yield Row(*row)


def _sample(connection: sqlite3.Connection, total: int) -> list[Row]:
    """Chunks from all over the corpus."""
    step = max(1, total // _SAMPLE)
    query = (
        f"SELECT {chroma.ROW} FROM chunks c JOIN vectors v ON v.key = c.vector_key "  # noqa: S608 - our own names
        "WHERE c.number % ? = 0 LIMIT ?"
    )
    return [Row(*row) for row in connection.execute(query, (step, 2 * _SAMPLE))]
