"""A domain for a command: through the process that serves it, else by starting what the command needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.pack import DomainPack
from core.settings import Settings
from core.workspace import Workspace
from graft.sockets import control_socket

if TYPE_CHECKING:
    from core.service import DomainService
    from graft.service import LocalService

Say = Callable[[str], None]


def find_remote(workspace: Workspace, pack: DomainPack) -> "DomainService | None":
    """The service of a running process for this workspace and domain, or None."""
    socket = control_socket(workspace, pack.name)
    if not socket.exists():
        return None
    from serve.remote import RemoteService  # imports much: not for nothing

    remote = RemoteService(socket, pack)
    return remote if remote.is_alive() else None


@contextmanager
def connected(
    settings: Settings,
    workspace: Workspace,
    pack: DomainPack,
    say: Say,
    *,
    model: bool,
    index: bool = True,
    trusted: bool,
) -> "Iterator[DomainService]":
    """Yield a service that can search (`index`) and answer (`model`); what was started for it is stopped afterwards."""
    from graft.service import LocalService

    remote = find_remote(workspace, pack)
    if remote is not None:
        yield remote
        return
    service = LocalService(settings, workspace, pack, trusted=trusted)
    try:
        service.prepare(say)
        if index:
            open_existing_index(service, say)
        if model:
            service.start_model(say)
        yield service
    finally:
        service.close()


def open_existing_index(service: "LocalService", say: Say) -> None:
    """Open the domain's index; one that does not exist yet is built first."""
    from core.index import corpus_counts

    missing = corpus_counts(service.workspace.corpus(service.pack.name)) is None
    if missing:
        say(f"indexing the documents of '{service.pack.name}' first")
    service.open_index(lambda stage, done, total: None, update=missing)
