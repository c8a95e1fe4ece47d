"""What `graft up` starts in the background, in the order in which it becomes useful.

The page is open already and shows what is still starting: first vLLM and, beside it, the documents of one domain after
the other; then trainings, one after the other. A failure in one domain is its own: said once, and seen on its page.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import GraftError
from core.service import PartStatus, TrainingStatus
from graft.engine import Engine
from graft.service import LocalService
from graft.training import Wishes, train_adapter
from graft.training_record import goes_on
from graft.training_view import domain_that_trains

if TYPE_CHECKING:
    from finetune.parity import Parity
    from finetune.plan import Plan

Say = Callable[[str], None]
log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0


def start_all(
    engine: Engine,
    services: Sequence[LocalService],
    say: Say,
    train: bool,
    watch: Callable[[], None],
    stopping: threading.Event,
) -> None:
    """Start everything; returns when the last training has ended, or soon after `stopping` is set.

    `watch` begins to follow folders, once the documents are read.
    """
    starts = [_Start(service, say if len(services) == 1 else _named(service, say)) for service in services]
    for start in starts:
        start.attempt(start.service.announce_active)
    try:
        engine.state = PartStatus(state="starting", detail="preparing the models")
        engine.prepare(say)
    except Exception as error:  # noqa: BLE001  the page would say "starting" for ever
        problem = _problem(error, "the preparation of the models")
        engine.state = PartStatus(state="failed", detail=problem)
        for service in services:
            service.state.corpus = PartStatus(state="failed", detail=problem)
        say(f"error: {problem}")
        return
    model_runs: list[bool] = []
    model = threading.Thread(target=lambda: model_runs.append(_start_model(engine, starts, say)), name="graft-model")
    model.daemon = True
    model.start()
    for start in starts:
        start.read_documents()
    watch()
    model.join()
    if not any(model_runs):
        return
    whole = [start for start in starts if start.join()]
    for start in whole if train else ():
        if _waits_for_training(start.service, stopping):
            return
        start.train()


def _start_model(engine: Engine, starts: "Sequence[_Start]", say: Say) -> bool:
    """Start vLLM and load every domain's adapter; whether vLLM runs."""
    try:
        engine.start(say)
    except Exception as error:  # noqa: BLE001  the page would say "starting" for ever
        problem = _problem(error, "the start of vLLM")
        engine.state = PartStatus(state="failed", detail=problem)
        say(f"error: {problem}")
        return False
    for start in starts:
        start.attempt(start.service.load_active)
    return True


class _Start:
    """The start of one domain. What fails ends it; the other domains do not notice."""

    def __init__(self, service: LocalService, say: Say) -> None:
        self.service, self.say, self.failed = service, say, False

    def attempt(self, step: Callable[[], object]) -> str:
        """Take a step; what is wrong, if it failed."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  no reason to leave other domains unstarted
            problem = _problem(error, f"the start of domain '{self.service.pack.name}'")
        else:
            return ""
        self.failed = True
        self.say(f"error: {problem}")
        return problem

    def read_documents(self) -> None:
        """Bring the domain's index up to date and open it."""
        service = self.service

        def read() -> None:
            service.state.corpus = PartStatus(state="starting", detail="Reading documents")
            service.prepare_pack(self.say)
            service.open_index(_index_progress(self.say), keep_serving=True)

        problem = self.attempt(read)
        if problem:
            service.state.corpus = PartStatus(state="failed", detail=problem)
        elif service.state.corpus.detail:
            self.say(f"warning: {service.state.corpus.detail}")

    def join(self) -> bool:
        """Once vLLM runs and the documents are read: say so, and start an active whole model. Whether all is well."""
        if self.failed:
            return False
        self.say("ready: base model and corpus answer questions")
        self.attempt(lambda: self.service.start_whole_model(self.say))
        return not self.failed

    def train(self) -> None:
        """Train the domain's adapter, where it has none and there is something to train on."""
        service = self.service
        if service.state.adapter is not None:
            return
        if not service.pack.train_examples:
            nothing = "this domain has no training examples yet; it answers as rag"
            service.state.training = TrainingStatus(detail=nothing)
            return
        if goes_on(service.workspace.runs(service.pack.name)):
            self.say("training: goes on in another process, which activates its adapter here")
            return
        self.attempt(self._train)
        if service.state.adapter:
            self.say(f"ready: adapter {service.state.adapter} has joined the chat")

    def _train(self) -> None:
        def tell(found: "Plan | Parity") -> None:
            for line in found.lines():
                self.say(f"training: {line}")

        train_adapter(self.service, _training_progress(self.say), Wishes(on_plan=tell, on_report=tell, say=self.say))


def _problem(error: Exception, what: str) -> str:
    """What is wrong, in a line. What nobody raised on purpose (a pack's own prepare.py, a defect) goes to the log."""
    if isinstance(error, GraftError):
        return str(error)
    log.error("%s failed", what, exc_info=error)
    return f"{type(error).__name__}: {error} (more in logs/graft.log)"


def _waits_for_training(service: LocalService, stopping: threading.Event) -> bool:
    """Wait while anything else is trained in the workspace, by whatever process; whether everything is to stop."""
    runs = service.workspace.runs(service.pack.name)
    while domain_that_trains(runs.parent) and not goes_on(runs):
        service.state.training = TrainingStatus(detail="waits until the training of another domain is over")
        if stopping.wait(_LOOK_SECONDS):
            return True
    return stopping.is_set()


def _named(service: LocalService, say: Say) -> Say:
    return lambda text: say(f"{service.pack.name}: {text}")


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
