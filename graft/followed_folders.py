"""Following the folders of the corpora that this process looks after: those of its domains, and those of no domain."""

from collections.abc import Sequence
from typing import Any

from core.errors import RequestError
from graft.corpora import CorpusRegistry
from graft.service import LocalService
from graft.watching import FolderWatch


def watch_folders(services: Sequence[LocalService]) -> FolderWatch:
    """One watch for all `services` of a process, not started: a corpus is written by the domain that it belongs to."""
    main = services[0]
    registry = CorpusRegistry(main.workspace)
    own = {service.pack.name: service for service in services}

    def sync(corpus: str) -> dict[str, Any]:
        if corpus in own:
            return own[corpus].ingest_now(lambda stage, share: None)
        if corpus not in registry.created():
            # Without its pack, all of the pack's documents would seem to be gone.
            raise RequestError(f"'{corpus}' belongs to a domain that is not served here: start graft up with it")
        return main.ingest_other(corpus, lambda stage, share: None)

    return FolderWatch(registry, sync, main.settings.ingest.max_file_mib << 20)
