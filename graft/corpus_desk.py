"""The documents of one corpus, for the page: listed, searched, added, followed, deleted. Implements core.corpus_desk.

Only files that came through the page can be deleted through it: the pack's own are their owner's business.
"""

import asyncio
import re
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from uuid import uuid4

from core.corpus_desk import ChunkRow, DocumentPage, DocumentState, ExplainedHit, FileState, FolderRow, Progress
from core.corpus_listing import CorpusListing
from core.errors import GraftError, RequestError
from core.expendable import in_expendable_thread
from core.files import disk_error, sha256_file
from graft.corpora import CorpusRegistry
from graft.corpus_folders import CorpusFolders
from graft.service import LocalService
from graft.uploads import PREFIX, upload_path
from graft.watching import FolderWatch

if TYPE_CHECKING:
    from core.index import Generation

_LONGEST_NAME = 150


class LocalCorpusDesk:
    """Works on an index of the workspace that `service` serves, in the same process; by default the domain's own.

    `watch` follows its folders; without one, nothing is followed.
    """

    def __init__(self, service: LocalService, corpus: str | None = None, watch: FolderWatch | None = None) -> None:
        self._service = service
        self.corpus = corpus or service.pack.name
        self._registry = CorpusRegistry(service.workspace)
        self._folders = CorpusFolders(service, self.corpus, watch)
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
        """Take files over under their names, which may be paths; one of the same name is replaced."""
        self._refuse_foreign()
        sources = []
        for name, path in files:
            source = PREFIX + safe_path(name)
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
        self._refuse_foreign()
        await self._ingest(on_progress)

    async def delete(self, source: str, on_progress: Progress) -> None:
        """Delete an uploaded file, and its chunks from the index; where that fails, the file stays."""
        path = self._path(source) if source.startswith(PREFIX) else None
        root = self._service.workspace.uploads(self.corpus).resolve()
        if path is None or not path.resolve().is_relative_to(root) or not path.is_file():
            raise RequestError(
                f"'{source}' did not come through this page: remove it from its folder, then press Update"
            )
        aside = self._aside()
        path.replace(aside)
        try:
            # Where nothing but uploads is read, whatever goes was deleted here; no folder can be missing for a moment.
            only_uploads = not self._is_own and not self._registry.read(self.corpus).folders
            await self._ingest(on_progress, allow_mass_deletion=only_uploads)
        except GraftError:
            aside.replace(path)
            raise
        aside.unlink()

    async def verify(self, on_progress: Progress) -> list[str]:
        """What is wrong with the index, a sentence each."""
        index = self._service.index(self.corpus)
        problems = await in_expendable_thread(lambda: index.verify(_shares(on_progress), self.corpus))
        # Commands are about domains: what was created here is put right here.
        return [
            f"{problem.part}: {problem.detail}. Remedy: {problem.remedy if self._is_own else 'press Rebuild'}."
            for problem in problems
        ]

    async def rebuild(self, on_progress: Progress) -> str:
        """Put right what `verify` finds, and build what is served anew, without reading documents."""

        def rebuild() -> "Generation":
            index = self._service.index(self.corpus)
            if not self._is_own:
                index.repair(_shares(on_progress))
            return index.rebuild(_shares(on_progress))

        built = await in_expendable_thread(rebuild)
        return f"Built anew: {built.chunks:,} chunks of {built.documents:,} documents."

    def folders(self) -> list[FolderRow]:
        """The folders that are read beside uploads, and the pack's own."""
        return self._folders.rows()

    def watch(self, folder: str) -> None:
        """Read this folder from now on, and follow it."""
        self._refuse_foreign()
        self._folders.add(folder)

    def unwatch(self, folder: str) -> None:
        """Follow it no more; its documents stay."""
        self._folders.stop(folder)

    async def forget(self, folder: str, on_progress: Progress) -> None:
        """Take the folder out of the collection. That its documents go is what was asked for."""
        with self._folders.without(folder):
            await self._ingest(on_progress, allow_mass_deletion=True)

    async def _ingest(self, on_progress: Progress, *, allow_mass_deletion: bool = False) -> None:
        service = self._service
        if self._is_own:
            await service.ingest(on_progress, allow_mass_deletion=allow_mass_deletion)
            return
        await in_expendable_thread(
            lambda: service.ingest_other(self.corpus, on_progress, allow_mass_deletion=allow_mass_deletion)
        )

    @property
    def _is_own(self) -> bool:
        return self.corpus == self._service.pack.name

    def _refuse_foreign(self) -> None:
        if not self._is_own and self.corpus not in self._registry.created():
            raise RequestError(
                f"the documents of '{self.corpus}' belong to another domain: add them where that domain is served"
            )

    def _aside(self) -> Path:
        """A path that no ingestion looks at, on the same disk."""
        folder = self._service.workspace.run
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"upload-{uuid4().hex}"

    def _path(self, source: str) -> Path:
        return upload_path(self._service.workspace, self.corpus, source)


def safe_path(name: str) -> str:
    """A file's path below the folder that was uploaded, each part as `safe_name` has it. Raises RequestError."""
    parts = [part for part in name.replace("\\", "/").split("/") if part.strip(". ")]
    return "/".join(map(safe_name, parts)) if parts else safe_name(name)


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
