"""The folders of one corpus that are read beside uploads and a pack's own: named by users, followed, taken out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.corpus_desk import FolderRow
from core.errors import GraftError, RequestError
from graft.corpora import CorpusRegistry, CorpusSources, checked_folder
from graft.service import LocalService
from graft.watching import FolderWatch


class CorpusFolders:
    """Reads and changes the list; `watch` follows it, without one nothing is followed."""

    def __init__(self, service: LocalService, corpus: str, watch: FolderWatch | None) -> None:
        self._service, self._corpus, self._watch = service, corpus, watch
        self._registry = CorpusRegistry(service.workspace)

    def rows(self) -> list[FolderRow]:
        """The folders, with what became of the last look at them."""
        said, trouble = ("", False) if self._watch is None else self._watch.state(self._corpus)
        rows = []
        for folder in self._registry.read(self._corpus).folders:
            missing = not Path(folder.path).is_dir()
            state = "this folder is not there" if missing else said if folder.watching else "not watched"
            bad = missing or (folder.watching and trouble)
            rows.append(FolderRow(path=folder.path, watching=folder.watching, state=state, trouble=bad))
        return rows

    def add(self, folder: str) -> None:
        """Read and follow a folder; one that is known is followed again. Raises RequestError."""
        known = [one.path for one in self._registry.read(self._corpus).folders]
        path = folder if folder in known else str(self._checked(folder, known))
        self._change(lambda sources: sources.with_folder(path, watching=True))

    def stop(self, folder: str) -> None:
        """Follow it no more."""
        if any(one.path == folder for one in self._registry.read(self._corpus).folders):
            self._change(lambda sources: sources.with_folder(folder, watching=False))

    @contextmanager
    def without(self, folder: str) -> Iterator[None]:
        """Take it off the list; it is back when the block fails."""
        before = self._registry.read(self._corpus)
        self._change(lambda sources: sources.without_folder(folder))
        try:
            yield
        except GraftError:
            self._change(lambda _: before)
            raise

    def _change(self, change: Callable[[CorpusSources], CorpusSources]) -> None:
        self._registry.write(self._corpus, change(self._registry.read(self._corpus)))
        if self._watch is not None:
            self._watch.refresh(self._corpus)

    def _checked(self, folder: str, known: list[str]) -> Path:
        settings = self._service.settings
        # Where many log in, whoever looks after documents need not be who owns the machine.
        nowhere = () if settings.auth_file is not None else None
        allowed = nowhere if settings.ingest.watchable is None else settings.ingest.watchable
        path = checked_folder(folder, self._service.workspace, allowed)
        for one in map(Path, known):
            if path.is_relative_to(one) or one.is_relative_to(path):
                raise RequestError(f"{path} and {one} overlap: each file belongs to one folder")
        return path
