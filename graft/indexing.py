"""The index of a domain, for the commands and the serving process alike. Loads the embedder only when needed."""

import logging
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.pack import DomainPack
from core.settings import Settings
from core.workspace import Workspace
from graft.uploads import corpus_roots

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

    from core.index import Generation
    from ingest.findings import Problem
    from ingest.report import IngestReport
    from ingest.status import IndexStatus

Progress = Callable[[str, int, int], None]
_log = logging.getLogger("graft.ingest")


class DomainIndex:
    """Brings up to date, looks into and repairs the index of `pack`, or of another `corpus` of the workspace.

    `embeddings` is called when vectors are made.
    """

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        pack: DomainPack,
        embeddings: "Callable[[], Embeddings]",
        corpus: str | None = None,
    ) -> None:
        self._settings, self._pack, self._workspace, self._embeddings = settings, pack, workspace, embeddings
        self._corpus = corpus or pack.name
        self.folder: Path = workspace.corpus(self._corpus)

    @cached_property
    def _chroma_url(self) -> str | None:
        return self._settings.retrieve.chroma_url

    def ingest(self, progress: Progress, *, reembed: bool = False, allow_mass_deletion: bool = False) -> "IngestReport":
        """Bring the index up to date with all documents that belong to it. Raises IngestError."""
        from ingest.pipeline import ingest_corpus

        return ingest_corpus(
            corpus_roots(self._pack, self._workspace, self._corpus),
            self.folder,
            self._embeddings(),
            self._settings.ingest,
            chroma_url=self._chroma_url,
            on_progress=progress,
            on_step=_log_step,
            reembed=reembed,
            allow_mass_deletion=allow_mass_deletion,
        )

    def status(self) -> "IndexStatus":
        """What the index holds."""
        from ingest.status import index_status

        return index_status(self.folder)

    def verify(self, progress: Progress, domain: str) -> "list[Problem]":
        """What is wrong with the index, with the command that helps for `domain` as the user calls it."""
        from ingest.repair import verify_index

        return verify_index(self.folder, progress).problems(domain)

    def repair(self, progress: Progress) -> list[str]:
        """Put right what `verify` finds; what was done, a line each."""
        from ingest.repair import repair_index

        return repair_index(self.folder, self._embeddings, chroma_url=self._chroma_url, progress=progress)

    def rebuild(self, progress: Progress, *, reembed: bool = False) -> "Generation":
        """Build a new generation from the manifest, with `reembed` from new vectors."""
        from ingest.repair import rebuild_index

        embeddings = self._embeddings() if reembed else None
        return rebuild_index(self.folder, chroma_url=self._chroma_url, reembed=embeddings, progress=progress)


def command_index(
    settings: Settings, workspace: Workspace, pack: DomainPack, say: Callable[[str], None]
) -> DomainIndex:
    """The index of a domain for a command that needs no language model."""
    from graft.build import load_embeddings
    from graft.models import prepare_embedder

    return DomainIndex(
        settings, workspace, pack, lambda: load_embeddings(settings, prepare_embedder(settings.models, say))
    )


def _log_step(step: str, detail: str) -> None:
    level = logging.DEBUG if step in ("document acknowledged", "vectors stored") else logging.INFO
    _log.log(level, "%s %s", step, detail)
