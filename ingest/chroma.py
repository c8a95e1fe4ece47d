"""Chroma as a generation needs it: open, fill, compare. Embedded in a folder, or a server by URL; nothing else has it.

No telemetry, no `.env`, no default embedding function. Knows rows of chunks, no manifest and no pointer.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from core.errors import GraftError, IngestError, WorkspaceError

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

T = TypeVar("T")
# Small neighbour lists suffice at 10^5 chunks; vectors have length 1, so the inner product is the cosine.
HNSW: dict[str, Any] = {
    "space": "ip",
    "ef_construction": 128,
    "max_neighbors": 24,
    "ef_search": 128,
    "batch_size": 1000,
    "sync_threshold": 2000,
}
_BATCH = 2000  # Chroma takes at most 5,461 at once
# The graph is an approximation: so many of the sampled chunks must be found by their own vector.
_FOUND_SHARE = 0.95
_TOLERANCE = 1e-4
# Bytes below which a disk counts as full: the index grows by more than that in one step.
_LEAST_FREE = 1 << 20


class Row(NamedTuple):
    """A chunk and its vector (little-endian float32), as the collection holds them."""

    id: str
    source: str
    ordinal: int
    locator: str
    start: int
    end: int
    text: str
    vector: bytes

    @property
    def metadata(self) -> dict[str, Any]:
        """What the collection can be filtered by."""
        return {
            "source": self.source,
            "ordinal": self.ordinal,
            "locator": self.locator,
            "start": self.start,
            "end": self.end,
        }


ROW = "c.id, c.source, c.ordinal, c.locator, c.start, c.end, c.text, v.vector"


class Difference(NamedTuple):
    """How a collection differs from what it should hold: ids it lacks, ids with other content, how many too many."""

    missing: list[str]
    altered: list[str]
    surplus: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.altered or self.surplus)

    def __str__(self) -> str:
        return f"{len(self.missing)} chunks missing, {len(self.altered)} altered, {self.surplus} too many"


def open_chroma(folder: Path, url: str | None) -> "Client":
    """A client for the embedded Chroma in `folder`, or for the server at `url`. Raises IngestError."""
    import chromadb

    settings = _settings()
    with chroma_errors(folder, url):
        if url is None:
            folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(str(folder), settings=settings)  # type: ignore[return-value]
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 8000)
        return chromadb.HttpClient(parts.hostname or url, port, ssl=secure, settings=settings)  # type: ignore[return-value]


@cache
def _settings() -> Any:
    """One object for all: Chroma refuses to open a folder twice in one process with settings that differ."""
    from chromadb.config import Settings

    class NoDotEnv(Settings):
        # chromadb reads unprefixed names from ./.env, wherever it happens to be started.
        model_config: ClassVar = {**Settings.model_config, "env_file": None}

    return NoDotEnv(anonymized_telemetry=False)


@contextmanager
def chroma_errors(folder: Path, url: str | None) -> Iterator[None]:
    """Turn whatever Chroma raises into one line with a remedy."""
    try:
        yield
    except GraftError:
        raise
    except Exception as error:  # chromadb raises its own, its Rust core's, httpx's and ValueError
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        if url is not None:
            raise IngestError(
                f"the Chroma server at {url} does not do its part ({reason}): start it (chroma run), then run the "
                "same command again; nothing will be embedded twice"
            ) from error
        if _is_full(error, folder):
            raise WorkspaceError(
                f"no space left while writing {folder}: free some disk, then run the same command again"
            ) from error
        raise IngestError(
            f"Chroma in {folder} cannot be used ({reason}): check disk and permissions, then run the same command "
            "again; nothing will be embedded twice"
        ) from error


def _is_full(error: Exception, folder: Path) -> bool:
    """Whether the disk is what is wrong. Chroma does not always say so: then the space that is left does."""
    if any(sign in str(error) for sign in ("disk is full", "No space left", "os error 28", "os error 27")):
        return True
    try:
        return shutil.disk_usage(folder).free < _LEAST_FREE
    except OSError:
        return False


def create_collection(client: "Client", name: str) -> "Collection":
    """A new, empty collection; one of this name is dropped."""
    with suppress(Exception):  # there is none, as a rule
        client.delete_collection(name)
    return client.create_collection(
        name,
        configuration=cast("Any", {"hnsw": HNSW}),
        embedding_function=None,  # type: ignore[typeddict-item]
    )


def open_collection(client: "Client", name: str) -> "Collection":
    """An existing collection."""
    return client.get_collection(name, embedding_function=None)


def write_rows(collection: "Collection", rows: Iterable[Row]) -> Iterator[int]:
    """Add or replace chunks; yields how many are written after each batch."""
    import numpy as np

    written = 0
    for batch in in_batches(rows, _BATCH):
        # A server takes 40 MB at once: vectors of many dimensions go in smaller parts.
        for part in in_batches(batch, max(1, 4_000_000 // len(batch[0].vector))):
            collection.upsert(
                ids=[row.id for row in part],
                embeddings=np.stack([np.frombuffer(row.vector, dtype="<f4") for row in part]),
                documents=[row.text for row in part],
                metadatas=[row.metadata for row in part],
            )
            written += len(part)
            yield written


def delete_rows(collection: "Collection", ids: Iterable[str]) -> None:
    """Remove chunks by id."""
    for batch in in_batches(ids, _BATCH):
        collection.delete(ids=batch)


def compare(collection: "Collection", rows: Iterable[Row], total: int) -> Difference:
    """Whether the collection holds exactly `rows`, `total` of them: ids, vectors and metadata."""
    import numpy as np

    missing: list[str] = []
    altered: list[str] = []
    for batch in in_batches(rows, _BATCH):
        page = collection.get(ids=[row.id for row in batch], include=["embeddings", "metadatas"])
        place = {identity: at for at, identity in enumerate(page["ids"])}
        there = [row for row in batch if row.id in place]
        missing += [row.id for row in batch if row.id not in place]
        if not there:
            continue
        order = [place[row.id] for row in there]
        found = np.asarray(page["embeddings"], dtype=np.float32)[order]
        wanted = np.stack([np.frombuffer(row.vector, dtype="<f4") for row in there])
        if found.shape != wanted.shape:
            altered += [row.id for row in there]
            continue
        # "not <=": a NaN is never within the tolerance.
        far = ~(np.abs(found - wanted).max(axis=1) <= _TOLERANCE)
        metadatas = page["metadatas"] or []
        altered += [
            row.id for row, at, off in zip(there, order, far, strict=True) if off or metadatas[at] != row.metadata
        ]
    return Difference(missing, altered, collection.count() - (total - len(missing)))


def search_sample(collection: "Collection", rows: Sequence[Row]) -> tuple[int, int]:
    """How many of `rows` are found by their own vector, and of how many: whether the graph can be searched."""
    import numpy as np

    if not rows:
        return 0, 0
    vectors = np.stack([np.frombuffer(row.vector, dtype="<f4") for row in rows])
    result = collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
    # Another chunk may have the same vector: the distance tells, not the id.
    own = 1.0 - (vectors * vectors).sum(axis=1)
    found = [
        bool(distances) and distances[0] <= own[at] + 1e-3 for at, distances in enumerate(result["distances"] or [])
    ]
    return sum(found), len(rows)


def is_searchable(found: int, total: int) -> bool:
    """Whether the result of `search_sample` is good enough."""
    return found >= _FOUND_SHARE * total


def drop_collections(client: "Client", prefix: str, keep: Iterable[str]) -> None:
    """Remove the collections of one corpus from a server, except `keep`."""
    kept, names = set(keep), []
    while page := client.list_collections(limit=_BATCH, offset=len(names)):
        names += [collection.name for collection in page]
    for name in names:
        if name.startswith(prefix) and name not in kept:
            client.delete_collection(name)


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
