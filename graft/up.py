"""`graft up` and `graft serve`: one process for one or several domains, with page and gateway.

What starts when stands in graft.start. The first domain is the main one: its page is at `/`, and it stands first
wherever domains are listed.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from core.document_store import DocumentStore
from core.errors import ServeError
from core.sessions import Sessions
from core.user_database import UserDatabase
from core.users import UserList
from graft.engine import Engine
from graft.followed_folders import watch_folders
from graft.service import LocalService
from graft.sockets import control_socket
from graft.start import start_all
from graft.training_watch import follow_training
from graft.watching import FolderWatch

if TYPE_CHECKING:
    from core.user_desk import UserDesk
    from ui.desks import Desks
    from ui.source_view import Sources

Say = Callable[[str], None]


def run_up(engine: Engine, services: Sequence[LocalService], say: Say, *, page: bool, train: bool) -> None:
    """Serve the domains, which share `engine`, until interrupted.

    Raises GraftError when it cannot start; later failures show in page and log.
    """
    from ingest.page_pictures import SandboxedPages
    from serve.access import check_bind
    from serve.control import create_control_app
    from serve.gateway import create_app
    from serve.http_server import check_port, run_servers

    settings, workspace = engine.settings.serve, engine.workspace
    logins = _logins(engine)
    check_bind(settings, logins.users if logins else None)
    check_port(settings.host, settings.port)
    controls = {control_socket(workspace, one.pack.name): create_control_app(one) for one in services}
    documents = DocumentStore(workspace.root / "corpora")
    watch = watch_folders(services)
    pages = SandboxedPages(engine.settings.ingest.max_file_mib << 20)
    users, sessions = (logins.users, logins if page else None) if logins else (None, None)
    app = create_app(services, settings, engine.counts, documents, users, sessions)
    if page:
        from graft.user_desk import LocalUserDesk
        from ui.mount import DomainPage, mount
        from ui.source_view import Sources

        kept, sources = UserDatabase(workspace.users), Sources(documents, pages)
        user_desk = LocalUserDesk(users.path, engine.settings, workspace) if users else None
        mounted = [DomainPage(one, _desks(one, kept, watch, sources, user_desk)) for one in services]
        app = mount(app, mounted, kept, sessions)
    stopping = threading.Event()

    def started() -> None:
        say(f"Graft is at http://{settings.host}:{settings.port}" + ("" if page else "/v1"))
        _begin("graft-start", start_all, engine, services, say, train, watch.start, stopping)
        for service in services:
            _begin(f"graft-follow-{service.pack.name}", follow_training, service, stopping)

    with ExitStack() as ending:  # whatever fails in it, the rest is closed
        ending.callback(engine.close)
        for service in services:
            ending.callback(service.close)
        ending.callback(pages.close)
        ending.callback(watch.close)
        ending.callback(say, "stopping")
        ending.callback(stopping.set)
        run_servers(app, controls, settings, started)


def _desks(
    service: LocalService, kept: UserDatabase, watch: FolderWatch, sources: "Sources", users: "UserDesk | None"
) -> "Desks":
    """What the page of one domain works on."""
    from core.conversations import ConversationStore
    from core.feedback_store import FeedbackStore
    from graft.advice_desk import LocalAdviceDesk
    from graft.chat_files import LocalChatFiles
    from graft.corpus_shelf import LocalCorpusShelf
    from graft.example_desk import LocalExampleDesk
    from graft.lab_desk import LocalLabDesk
    from graft.training_desk import LocalTrainingDesk
    from ui.desks import Desks

    files = LocalChatFiles(service, ConversationStore(kept, service.pack.name))
    files.sweep()
    return Desks(
        shelf=LocalCorpusShelf(service, watch),
        lab=LocalLabDesk(service),
        advice=LocalAdviceDesk(service),
        examples=LocalExampleDesk(service, FeedbackStore(kept, service.pack.name)),
        training=LocalTrainingDesk(service),
        files=files,
        sources=sources,
        users=users,
    )


def _begin(name: str, what: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=what, args=arguments, name=name, daemon=True).start()


def _logins(engine: Engine) -> Sessions | None:
    """Sessions of the list of users; None where nobody logs in. Raises UsersError."""
    path = engine.settings.auth_file
    return Sessions(UserList(path.expanduser()), UserDatabase(engine.workspace.users)) if path else None


def refuse_second(service: LocalService) -> None:
    """Raise ServeError when another process serves this domain from this workspace already."""
    from graft.connect import find_remote

    if find_remote(service.workspace, service.pack) is not None:
        raise ServeError(
            f"domain '{service.pack.name}' is already served from {service.workspace.root}: stop that graft first"
        )
