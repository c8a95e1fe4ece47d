"""`graft up` and `graft serve`: everything in one process, started in the order in which it becomes useful.

The page opens first and shows what is still starting; then base model and corpus, side by side; then the adapter.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.document_store import DocumentStore
from core.errors import GraftError, ServeError
from core.service import PartStatus, TrainingStatus
from core.sessions import Sessions
from core.user_database import UserDatabase
from core.users import UserList
from graft.corpus_shelf import LocalCorpusShelf
from graft.service import LocalService
from graft.sockets import control_socket
from graft.training import Wishes, train_adapter
from graft.training_record import goes_on
from graft.training_watch import follow_training

if TYPE_CHECKING:
    from finetune.parity import Parity
    from finetune.plan import Plan

Say = Callable[[str], None]


def run_up(service: LocalService, say: Say, *, page: bool, train: bool) -> None:
    """Serve until interrupted. Raises GraftError when it cannot start; later failures show in page and log."""
    from ingest.page_pictures import SandboxedPages
    from serve.access import check_bind
    from serve.control import create_control_app
    from serve.gateway import create_app
    from serve.http_server import check_port, run_servers

    settings = service.settings.serve
    logins = _logins(service)
    check_bind(settings, logins.users if logins else None)
    check_port(settings.host, settings.port)
    socket = control_socket(service.workspace, service.pack.name)
    documents = DocumentStore(service.workspace.root / "corpora")
    shelf = LocalCorpusShelf(service)
    pages = SandboxedPages(service.settings.ingest.max_file_mib << 20)
    users, sessions = (logins.users, logins if page else None) if logins else (None, None)
    app = create_app(service, settings, service.engine_counts, documents, users, sessions)
    if page:
        from core.conversations import ConversationStore
        from core.feedback_store import FeedbackStore
        from graft.advice_desk import LocalAdviceDesk
        from graft.chat_files import LocalChatFiles
        from graft.example_desk import LocalExampleDesk
        from graft.lab_desk import LocalLabDesk
        from graft.training_desk import LocalTrainingDesk
        from graft.user_desk import LocalUserDesk
        from ui.desks import Desks
        from ui.mount import mount
        from ui.source_view import Sources

        kept = UserDatabase(service.workspace.users)
        files = LocalChatFiles(service, ConversationStore(kept, service.pack.name))
        files.sweep()
        desks = Desks(
            shelf=shelf,
            lab=LocalLabDesk(service),
            advice=LocalAdviceDesk(service),
            examples=LocalExampleDesk(service, FeedbackStore(kept, service.pack.name)),
            training=LocalTrainingDesk(service),
            files=files,
            sources=Sources(documents, pages),
            users=LocalUserDesk(users.path, service.settings, service.workspace) if users else None,
        )
        app = mount(app, service, kept, desks, sessions)
    starter = threading.Thread(
        target=_start_all, args=(service, say, train, shelf.watch.start), name="graft-start", daemon=True
    )

    stopping = threading.Event()
    follower = threading.Thread(target=follow_training, args=(service, stopping), name="graft-follow", daemon=True)

    def started() -> None:
        say(f"Graft is at http://{settings.host}:{settings.port}" + ("" if page else "/v1"))
        starter.start()
        follower.start()

    try:
        run_servers(app, create_control_app(service), settings, socket, started)
    finally:
        stopping.set()
        say("stopping")
        shelf.watch.close()
        pages.close()
        service.close()


def _logins(service: LocalService) -> Sessions | None:
    """Sessions of the list of users; None where nobody logs in. Raises UsersError."""
    path = service.settings.auth_file
    return Sessions(UserList(path.expanduser()), UserDatabase(service.workspace.users)) if path else None


def _start_all(service: LocalService, say: Say, train: bool, watch: Callable[[], None]) -> None:
    """Start the parts in the background; a failure is said once, and stays in the status that the page shows.

    `watch` begins to follow folders, once the index is open.
    """
    try:
        service.state.model = PartStatus(state="starting", detail="preparing the models")
        service.prepare(say)
    except GraftError as error:
        service.state.model = PartStatus(state="failed", detail=str(error))
        service.state.corpus = PartStatus(state="failed", detail=str(error))
        say(f"error: {error}")
        return
    failures: list[GraftError] = []

    def attempt(step: Callable[[], object]) -> None:
        try:
            step()
        except GraftError as error:
            failures.append(error)
            say(f"error: {error}")

    model = threading.Thread(target=attempt, args=(lambda: service.start_model(say),), name="graft-model", daemon=True)
    model.start()
    attempt(lambda: service.open_index(_index_progress(say), keep_serving=True))
    if service.state.corpus.state == "ready" and service.state.corpus.detail:
        say(f"warning: {service.state.corpus.detail}")
    watch()
    model.join()
    if failures:
        return
    say("ready: base model and corpus answer questions")
    attempt(lambda: service.start_whole_model(say))
    if failures:
        return
    if not train or service.state.adapter is not None:
        return
    if not service.pack.train_examples:
        service.state.training = TrainingStatus(detail="this domain has no training examples yet; it answers as rag")
        return
    if goes_on(service.workspace.runs(service.pack.name)):
        say("training: goes on in another process, which activates its adapter here")
        return
    attempt(lambda: _train(service, say))
    if service.state.adapter:
        say(f"ready: adapter {service.state.adapter} has joined the chat")


def _train(service: LocalService, say: Say) -> None:
    def tell(found: "Plan | Parity") -> None:
        for line in found.lines():
            say(f"training: {line}")

    train_adapter(service, _training_progress(say), Wishes(on_plan=tell, on_report=tell, say=say))


def _index_progress(say: Say) -> Callable[[str, int, int], None]:
    last = {"share": -1}

    def progress(stage: str, done: int, total: int) -> None:
        share = 10 * done // max(total, 1)
        if share != last["share"]:
            last["share"] = share
            say(f"corpus: {stage} {done} of {total}")

    return progress


def _training_progress(say: Say) -> Callable[[TrainingStatus], None]:
    last = {"line": ""}

    def progress(status: TrainingStatus) -> None:
        line = f"training: {status.state} {status.detail if status.state != 'preparing' else ''}".rstrip()
        if status.state in ("preparing", "training"):
            line += f" {int(status.progress * 20) * 5}%"
        if line != last["line"]:
            last["line"] = line
            loss = f", loss {status.loss:.3f}" if status.loss is not None else ""
            left = f", {status.seconds_left / 60:.1f} min left" if status.seconds_left else ""
            say(line + loss + left)

    return progress


def refuse_second(service: LocalService) -> None:
    """Raise ServeError when another process serves this domain from this workspace already."""
    from graft.connect import find_remote

    if find_remote(service.workspace, service.pack) is not None:
        raise ServeError(
            f"domain '{service.pack.name}' is already served from {service.workspace.root}: stop that graft first"
        )
