"""Shows a served domain's page the training that another process makes for it. Reads files, starts nothing."""

import logging
import os
import threading

from core.errors import GraftError
from core.service import TrainingStatus
from core.training_desk import TrainingView
from graft.service import LocalService
from graft.training_record import goes_on, read_record
from graft.training_view import look

log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
_STATES = {"starting": "preparing", "stopped": "none"}


def follow_training(service: LocalService, stop: threading.Event, pause: float = _LOOK_SECONDS) -> None:
    """Keep the service's training status that of the training of another process, until `stop` is set."""
    runs, followed = service.workspace.runs(service.pack.name), False
    while not stop.wait(pause):
        try:
            record = read_record(runs)
            foreign = record is not None and record.pid != os.getpid() and goes_on(runs)
            if foreign or followed:
                service.state.training = as_status(look(runs))
            followed = foreign
        except GraftError as error:
            log.warning("the training cannot be followed: %s", error)


def as_status(view: TrainingView) -> TrainingStatus:
    """What a training is at, as the strip above the chat shows it."""
    fields = view.model_dump(include=set(TrainingStatus.model_fields))
    return TrainingStatus.model_validate({**fields, "state": _STATES.get(view.state, view.state)})
