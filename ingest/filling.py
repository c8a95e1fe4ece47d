"""The collection of a generation in the making: what enters it when, until it holds what the snapshot holds.

Knows the manifest's rows and Chroma; neither verifies itself nor points at anything.
"""

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from core.index import CorpusFiles, Generation, open_snapshot
from ingest import chroma
from ingest.chroma import Row
from ingest.manifest import Manifest
from ingest.served import last_number, read_rows, served_generation, verify_collection

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

_FEW = 500  # chunks that are worth a call of Chroma while others are still being made


class Filling:
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


def collection_prefix(files: CorpusFiles, manifest: Manifest) -> str:
    """Start of the names of a corpus's collections: others may be on the same server, of copied workspaces too."""
    place = f"{manifest.meta('id')} {files.root.absolute()}"
    name = re.sub(r"[^a-zA-Z0-9._-]", "-", files.root.name)
    return f"graft-{name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}-"
