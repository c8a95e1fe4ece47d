"""Builds, verifies and switches to a generation: a snapshot of the manifest and a Chroma collection with its vectors.

A generation is built beside the one that is served and pointed at when it is whole; killed in between, its folder is
rubbish that the next run removes. Nothing is embedded here. Chunks enter Chroma in the background as soon as they are
acknowledged. Small changes start from a copy of the served generation.
"""

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import GraftError, IndexMismatchError, IngestError
from core.files import disk_error
from core.index import CorpusFiles, Generation, open_snapshot
from ingest import chroma
from ingest.chroma import Row
from ingest.manifest import Manifest

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

_COPY_BELOW = 0.3  # share of changed chunks up to which a copy is cheaper than building anew
_SAMPLE = 64  # chunks that are searched for by their own vector when a collection is verified
_FEW = 500  # chunks that are worth a call of Chroma while others are still being made

Progress = Callable[[str, int, int], None]
OnStep = Callable[[str, str], None]


class GenerationBuild:
    """A generation in the making. In a `with` block: `start`, `advance` as often as chunks are acknowledged, `finish`.

    What is not finished is left behind as rubbish. `share_of_change` is an estimate of how much will differ from the
    served generation; `anew` forbids starting from a copy of that.
    """

    def __init__(
        self,
        files: CorpusFiles,
        manifest: Manifest,
        chroma_url: str | None,
        *,
        share_of_change: float = 1.0,
        anew: bool = False,
        on_step: OnStep = lambda step, detail: None,
    ) -> None:
        self._files, self._manifest, self._url, self._on_step = files, manifest, chroma_url, on_step
        self.served = served_generation(files)  # what the pointer named when this began
        self._share, self._anew = share_of_change, anew
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="generation")
        self._filling: _Filling | None = None
        self._job: Future[None] | None = None

    def __enter__(self) -> "GenerationBuild":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
        if self._filling is not None:
            self._filling.close()

    @property
    def is_current(self) -> bool:
        """Whether what is served is what the manifest holds, so that nothing is to be built."""
        served = self.served
        return (
            served is not None
            and not self._anew
            and (served.revision, served.chroma_url) == (self._manifest.revision, self._url)
            and served.embedder == self._manifest.meta("embedder")
            and is_whole(self._files, served)
        )

    def start(self) -> None:
        """Begin, in the background. Chunks that are acknowledged from now on may enter Chroma by `advance`."""
        _remove_rubbish(self._files)
        self._on_step("old generations removed", "")
        name = self._next_name()
        try:
            (self._files.generations / name).mkdir(parents=True)
        except OSError as error:
            raise disk_error(error, self._files.generations) from error
        base = self.served if self._may_copy() else None
        self._filling = _Filling(self._files, self._manifest, name, self._url, base)
        self._on_step("generation started", name)
        self._job = self._worker.submit(self._filling.open)

    def advance(self) -> None:
        """Have the chunks that were acknowledged put into Chroma, soon. Does not wait; errors show in `finish`."""
        job = self._job
        if self._filling is not None and job is not None and job.done() and job.exception() is None:
            self._job = self._worker.submit(self._advance, self._filling)

    def wait(self) -> None:
        """Wait until nothing goes on in the background."""
        if self._job is not None:
            wait([self._job])

    def finish(self, on_progress: Progress) -> Generation:
        """Build what is missing, verify, switch. Raises IngestError, WorkspaceError; then nothing has changed."""
        if self._filling is None:
            self.start()
        filling, job = self._filling, self._job
        assert filling is not None
        assert job is not None
        try:
            job.result()
            generation = self._complete(filling, on_progress)
        except (GraftError, OSError):
            if filling.base is None:
                raise
            # The served collection is not what it should be: build from the manifest alone.
            filling.close()
            self._filling, self._job, self._anew = None, None, True
            return self.finish(on_progress)
        _flush(self._files.generations / generation.name)
        self._files.write_pointer(generation)
        self._on_step("pointer written", generation.name)
        if self.served is not None and self.served.chroma_url not in (None, self._url):
            _leave_server(self._files, self._manifest, self.served)
        return generation

    def _complete(self, filling: "_Filling", on_progress: Progress) -> Generation:
        generation = self._snapshot(filling)
        filled = self._worker.submit(filling.complete, generation)
        while True:
            try:
                filled.result(timeout=0.2)
                break
            except NotYet:
                on_progress("store", min(filling.written, generation.chunks), generation.chunks)
        on_progress("store", generation.chunks, generation.chunks)
        self._on_step("chroma filled", generation.name)
        trouble = filling.verify(generation)
        if trouble:
            raise IngestError(
                f"the new vector index {generation.collection} does not hold what was written to it ({trouble}): the "
                "one before stays in use; run the same command again"
            )
        self._on_step("chroma verified", generation.name)
        return generation

    def _advance(self, filling: "_Filling") -> None:
        filling.advance()
        self._on_step("chroma half filled", str(filling.written))

    def _may_copy(self) -> bool:
        served = self.served
        if served is None or self._anew or self._manifest.is_reembedding:
            return False
        if self._url or served.chroma_url or not is_whole(self._files, served):
            return False
        same = served.embedder == self._manifest.meta("embedder")
        return same and self._share + served.churn / max(served.chunks, 1) <= _COPY_BELOW

    def _next_name(self) -> str:
        """A name that no generation has had: Chroma remembers folders that it failed to open."""
        folder = self._files.generations
        there = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
        return f"{self._manifest.next_generation(max(there, default=0)):06d}"

    def _snapshot(self, filling: "_Filling") -> Generation:
        path = self._files.snapshot(filling.name)
        self._manifest.connection.execute("VACUUM INTO ?", (str(path),))
        self._on_step("snapshot written", filling.name)
        with closing(open_snapshot(path)) as snapshot:
            (chunks,) = snapshot.execute("SELECT count(*) FROM chunks").fetchone()
            (documents,) = snapshot.execute("SELECT count(*) FROM documents WHERE status = 'indexed'").fetchone()
        return Generation(
            name=filling.name,
            revision=self._manifest.revision,
            collection=filling.collection_name,
            chunks=chunks,
            documents=documents,
            embedder=self._manifest.meta("embedder") or "",
            chroma_url=self._url,
            churn=filling.churn(),
        )


class _Filling:
    """The collection of a generation in the making. `base`: the generation whose copy it starts from.

    Chunks are taken by their numbers, which grow and are never used again: first those above `_first`, as they are
    acknowledged, and at the end, without a copy, those that were there before.
    """

    def __init__(
        self, files: CorpusFiles, manifest: Manifest, name: str, url: str | None, base: Generation | None
    ) -> None:
        self._files, self._manifest, self.name, self._url, self.base = files, manifest, name, url, base
        self.collection_name = f"{collection_prefix(files, manifest)}{name}"
        self._folder = files.chroma(name)
        self._first = last_number(files, base) if base else manifest.last_number()
        self._last = self._first
        self.written = 0
        self._client: Client | None = None
        self._collection: Collection | None = None

    def open(self) -> None:
        """Open Chroma, with a copy of the base in it if there is one. Raises IngestError, OSError."""
        if self.base is not None:
            # At rest: nobody writes to a served generation.
            shutil.copytree(self._files.chroma(self.base.name), self._folder)
        self._client = chroma.open_chroma(self._folder, self._url)
        with chroma.chroma_errors(self._folder, self._url):
            if self.base is not None:
                self._collection = chroma.open_collection(self._client, self.base.collection)
                self._collection.modify(name=self.collection_name)
                return
            if self._url is not None:
                served = served_generation(self._files)
                prefix = collection_prefix(self._files, self._manifest)
                chroma.drop_collections(self._client, prefix, [served.collection] if served else [])
            self._collection = chroma.create_collection(self._client, self.collection_name)

    def advance(self) -> None:
        """Write what was acknowledged since, if it is more than a few."""
        with closing(self._manifest.reader()) as reader:
            (last,) = reader.execute("SELECT coalesce(max(number), 0) FROM chunks").fetchone()
            if last - self._last >= _FEW:
                self._write(read_rows(reader, self._last, last, self._manifest.vectors))
                self._last = last

    def complete(self, generation: Generation) -> None:
        """Make the collection hold what the snapshot holds."""
        path = self._files.snapshot(generation.name)
        with closing(open_snapshot(path)) as snapshot:
            if self.base is not None:
                self._delete(self._gone(snapshot, self.base))
            self._write(read_rows(snapshot, self._last, None))
            if self.base is None:
                self._write(read_rows(snapshot, 0, self._first))

    def verify(self, generation: Generation) -> str:
        """What is wrong with the collection, opened anew: every id, vector and metadata, and a sample of searches."""
        self.close()
        return verify_collection(self._files, generation)

    def churn(self) -> int:
        """Chunks added to and removed from the base and those before it; 0 when it was built from nothing."""
        if self.base is None:
            return 0
        with closing(open_snapshot(self._files.snapshot(self.name))) as snapshot:
            (new,) = snapshot.execute("SELECT count(*) FROM chunks WHERE number > ?", (self._first,)).fetchone()
            (held,) = snapshot.execute("SELECT count(*) FROM chunks").fetchone()
        return self.base.churn + new + max(0, self.base.chunks + new - held)

    def close(self) -> None:
        """Let go of Chroma."""
        if self._client is not None:
            with suppress(Exception):  # a server that is gone
                self._client.close()
        self._client = self._collection = None

    def _gone(self, snapshot: sqlite3.Connection, base: Generation) -> Iterator[str]:
        old = f"{self._files.snapshot(base.name).absolute().as_uri()}?mode=ro&immutable=1"
        snapshot.execute("ATTACH ? AS old", (old,))
        query = "SELECT id FROM old.chunks o WHERE NOT EXISTS (SELECT 1 FROM main.chunks m WHERE m.id = o.id)"
        return (identity for (identity,) in snapshot.execute(query))

    def _write(self, rows: Iterable[Row]) -> None:
        assert self._collection is not None
        before = self.written
        with chroma.chroma_errors(self._folder, self._url):
            for written in chroma.write_rows(self._collection, rows):
                self.written = before + written

    def _delete(self, ids: Iterable[str]) -> None:
        assert self._collection is not None
        with chroma.chroma_errors(self._folder, self._url):
            chroma.delete_rows(self._collection, ids)


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


def collection_prefix(files: CorpusFiles, manifest: Manifest) -> str:
    """Start of the names of a corpus's collections: others may be on the same server, of copied workspaces too."""
    place = f"{manifest.meta('id')} {files.root.absolute()}"
    name = re.sub(r"[^a-zA-Z0-9._-]", "-", files.root.name)
    return f"graft-{name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}-"


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


def _remove_rubbish(files: CorpusFiles) -> None:
    """Remove half-built generations and those before the served one (a reader may still be on the served one)."""
    served = files.pointed_name()
    if files.generations.is_dir():
        for path in files.generations.iterdir():
            if path.name != served:
                shutil.rmtree(path, ignore_errors=True)


def _leave_server(files: CorpusFiles, manifest: Manifest, served: Generation) -> None:
    """Remove this corpus's collections from the server it was on before."""
    with suppress(Exception):  # the server may be gone, and what is on it with it
        client = chroma.open_chroma(files.chroma(served.name), served.chroma_url)
        try:
            chroma.drop_collections(client, collection_prefix(files, manifest), [])
        finally:
            client.close()


def _flush(folder: Path) -> None:
    """Bring the generation to the disk before anything points at it."""
    for path in [folder, *folder.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
