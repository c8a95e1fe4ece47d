"""All collections of documents in a workspace, for the page: listed, created, removed. Implements core.corpus_desk."""

from core.corpus_desk import CorpusRow
from core.errors import RequestError
from graft.corpora import CorpusRegistry
from graft.corpus_desk import LocalCorpusDesk
from graft.service import LocalService
from graft.watching import FolderWatch


class LocalCorpusShelf:
    """The collections beside, and with, that of the domain which `service` serves in the same process.

    `watch` follows the folders of all of them (graft.followed_folders).
    """

    def __init__(self, service: LocalService, watch: FolderWatch) -> None:
        self._service, self.watch = service, watch
        self._registry = CorpusRegistry(service.workspace)
        self.max_file_bytes = service.settings.ingest.max_file_mib << 20

    def corpora(self) -> list[CorpusRow]:
        """All collections: the served domain's, those created here by title, those of other domains."""
        pack, created = self._service.pack, self._registry.created()
        indexed = {info.name: info for info in self._service.corpora()}
        others = sorted((sources.title.casefold(), name) for name, sources in created.items() if name != pack.name)
        names = [pack.name, *(name for _, name in others)]
        names += [name for name in indexed if name not in names]
        rows = []
        for name in names:
            info = indexed.get(name)
            title = pack.title if name == pack.name else created[name].title if name in created else name
            rows.append(
                CorpusRow(
                    name=name,
                    title=title,
                    documents=info.documents if info else 0,
                    chunks=info.chunks if info else 0,
                    own=name == pack.name,
                    created=name in created,
                )
            )
        return rows

    def desk(self, corpus: str) -> LocalCorpusDesk:
        """The desk of one. Raises RequestError for a name that is none."""
        if all(row.name != corpus for row in self.corpora()):
            raise RequestError(f"there is no collection '{corpus}' any more: choose another")
        return LocalCorpusDesk(self._service, corpus, self.watch)

    def create(self, title: str) -> str:
        """A new, empty collection; returns its name."""
        taken = {row.name for row in self.corpora()}
        if any(row.title.casefold() == title.strip().casefold() for row in self.corpora()):
            raise RequestError(f"there is a collection '{title.strip()}' already: choose another name")
        return self._registry.create(title, taken)

    def remove(self, corpus: str) -> None:
        """Remove a collection that was created here."""
        if corpus not in self._registry.created():
            raise RequestError(f"collection '{corpus}' was not created on this page, so it is not removed here")

        def remove() -> None:
            self._registry.remove(corpus)
            self.watch.refresh(corpus)

        self._service.drop_corpus(corpus, remove)
