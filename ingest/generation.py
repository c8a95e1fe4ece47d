"""Builds, verifies and switches to a generation: a snapshot of the manifest and a Chroma collection with its vectors.

A generation is built beside the one that is served and pointed at when it is whole; killed in between, its folder is
rubbish that the next run removes. Nothing is embedded here. Chunks enter Chroma in the background as soon as they are
acknowledged. Small changes start from a copy of the served generation.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing, suppress
from pathlib import Path

from core.errors import GraftError, IngestError
from core.files import disk_error
from core.index import CorpusFiles, Generation, open_snapshot
from ingest import chroma
from ingest.filling import Filling, collection_prefix
from ingest.manifest import Manifest
from ingest.served import is_whole, last_number, served_generation

_COPY_BELOW = 0.3  # share of changed chunks up to which a copy is cheaper than building anew

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
        self._filling: Filling | None = None
        self._job: Future[None] | None = None

    def __enter__(self) -> "GenerationBuild":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
        if self._filling is not None:
            self._filling.close()
            if self._files.pointed_name() != self._filling.name:  # nothing was new after all, or it failed
                shutil.rmtree(self._files.generations / self._filling.name, ignore_errors=True)

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
        self._filling = Filling(self._files, self._manifest, name, self._url, base)
        self._on_step("generation started", name)
        # Two threads that import it at once may each see half of it: here before the first thread begins.
        import numpy  # noqa: F401

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
        except (GraftError, OSError, sqlite3.Error):
            if filling.base is None:
                raise
            # What is served is not what it should be: build from the manifest alone.
            filling.close()
            self._filling, self._job, self._anew = None, None, True
            return self.finish(on_progress)
        _flush(self._files.generations / generation.name)
        self._files.write_pointer(generation)
        self._on_step("pointer written", generation.name)
        if self.served is not None and self.served.chroma_url not in (None, self._url):
            _leave_server(self._files, self._manifest, self.served)
        return generation

    def _complete(self, filling: "Filling", on_progress: Progress) -> Generation:
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

    def _advance(self, filling: "Filling") -> None:
        if filling.advance():
            self._on_step("chroma half filled", str(filling.written))

    def _may_copy(self) -> bool:
        served = self.served
        if served is None or self._anew or self._manifest.is_reembedding:
            return False
        if self._url or served.chroma_url or not is_whole(self._files, served):
            return False
        if last_number(self._files, served) is None:
            return False
        same = served.embedder == self._manifest.meta("embedder")
        return same and self._share + served.churn / max(served.chunks, 1) <= _COPY_BELOW

    def _next_name(self) -> str:
        """A name that no generation has had: Chroma remembers folders that it failed to open."""
        folder = self._files.generations
        there = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
        return f"{self._manifest.next_generation(max(there, default=0)):06d}"

    def _snapshot(self, filling: "Filling") -> Generation:
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
    for path in [folder.parent, folder, *folder.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
