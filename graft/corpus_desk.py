"""The documents of a served domain, for the page: listed, searched, added, deleted. Implements core.corpus_desk.

Only files that came through the page can be deleted through it: the pack's own are their owner's business.
"""

import asyncio
import re
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from uuid import uuid4

from core.corpus_desk import ChunkRow, DocumentPage, DocumentState, ExplainedHit, FileState, Progress
from core.corpus_listing import CorpusListing
from core.errors import GraftError, RequestError
from core.files import disk_error, sha256_file
from graft.indexing import DomainIndex
from graft.service import LocalService
from graft.uploads import PREFIX, upload_path, uploads_root

_LONGEST_NAME = 150


class LocalCorpusDesk:
    """Works on the index of the domain that `service` serves, in the same process."""

    def __init__(self, service: LocalService) -> None:
        self._service = service
        self.corpus = service.pack.name
        self.max_file_bytes = service.settings.ingest.max_file_mib << 20
        self._listing = CorpusListing(service.workspace.corpus(self.corpus), PREFIX)

    def documents(self, search: str, state: DocumentState | None, offset: int, limit: int) -> DocumentPage:
        """Documents by name, those whose name or title holds `search`, in one state or all."""
        return self._listing.documents(search, state, offset, limit)

    def chunks(self, source: str, offset: int, limit: int) -> tuple[list[ChunkRow], int]:
        """Chunks of a document in order, and how many it has."""
        return self._listing.chunks(source, offset, limit)

    async def explain(self, question: str, k: int) -> list[ExplainedHit]:
        """What a search finds, and why."""
        from retriever.explain import explain

        return await asyncio.to_thread(lambda: explain(self._service.retriever(self.corpus), question, k))

    def add(self, files: Sequence[tuple[str, Path]]) -> list[str]:
        """Take files over under their names; one of the same name is replaced. Returns their sources."""
        sources = []
        for name, path in files:
            source = PREFIX + safe_name(name)
            target = self._path(source)
            part = self._aside()
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, part)
                part.replace(target)
            except OSError as error:
                part.unlink(missing_ok=True)
                raise disk_error(error, target) from error
            sources.append(source)
        return sources

    def states(self, sources: Sequence[str]) -> list[FileState]:
        """How far the uploaded files have come. What the index says of an earlier content does not count."""
        seen = self._listing.seen(sources)
        found = []
        for source in sources:
            name, path = source.removeprefix(PREFIX), self._path(source)
            sha, status, reason = seen.get(source, ("", "", ""))
            # A file that was refused unread has no hash.
            is_current = path.is_file() and sha in ("", sha256_file(path))
            state = status if is_current and status in ("indexed", "rejected") else "waiting"
            found.append(FileState.model_validate({"name": name, "state": state, "reason": reason}))
        return found

    async def sync(self, on_progress: Progress) -> None:
        """Bring the index up to date with the files."""
        await self._service.ingest(on_progress)

    async def delete(self, source: str, on_progress: Progress) -> None:
        """Delete an uploaded file, and its chunks from the index; where that fails, the file stays."""
        path = self._path(source) if source.startswith(PREFIX) else None
        root = uploads_root(self._service.pack, self._service.workspace).resolve()
        if path is None or not path.resolve().is_relative_to(root) or not path.is_file():
            raise RequestError(
                f"'{source}' did not come through this page: remove it from the domain's folder, then press Update"
            )
        aside = self._aside()
        path.replace(aside)
        try:
            await self._service.ingest(on_progress)
        except GraftError:
            aside.replace(path)
            raise
        aside.unlink()

    async def verify(self, on_progress: Progress) -> list[str]:
        """What is wrong with the index, a sentence each."""
        problems = await asyncio.to_thread(lambda: self._index().verify(_shares(on_progress), self.corpus))
        return [f"{problem.part}: {problem.detail}. Remedy: {problem.remedy}." for problem in problems]

    async def rebuild(self, on_progress: Progress) -> str:
        """Build what is served anew, without reading documents."""
        built = await asyncio.to_thread(lambda: self._index().rebuild(_shares(on_progress)))
        return f"Built anew: {built.chunks:,} chunks of {built.documents:,} documents."

    def _aside(self) -> Path:
        """A path that no ingestion looks at, on the same disk."""
        folder = self._service.workspace.run
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"upload-{uuid4().hex}"

    def _index(self) -> DomainIndex:
        service = self._service
        return DomainIndex(service.settings, service.workspace, service.pack, service.embeddings)

    def _path(self, source: str) -> Path:
        return upload_path(self._service.pack, self._service.workspace, source)


def safe_name(name: str) -> str:
    """A file's name as it may stand in a folder: no path, no controls, not hidden, ending kept. Raises RequestError."""
    plain = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(c for c in unicodedata.normalize("NFC", plain) if unicodedata.category(c)[0] != "C")
    plain = re.sub(r"\s+", " ", plain).strip().lstrip(".")
    if not plain:
        raise RequestError("a file without a name cannot be added: give it one")
    stem, dot, suffix = plain.rpartition(".")
    if len(plain) <= _LONGEST_NAME:
        return plain
    return f"{stem[: _LONGEST_NAME - len(suffix) - 1]}{dot}{suffix}"[:_LONGEST_NAME]


def _shares(on_progress: Progress) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: on_progress(stage, done / total if total else 0.0)
