"""A workspace has one training at a time: on the command line, on the page, and for whoever only measures."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from core.errors import TrainError
from core.files import write_json
from core.service import TrainingStatus
from core.training_desk import TrainingChoice
from graft import training_desk
from graft.one_training import domain_in_training, only_training
from graft.training_desk import LocalTrainingDesk
from graft.training_record import STARTED, recorded
from graft.training_view import domain_that_trains, look

REFUSED = "a training of 'garden' goes on, and a workspace has one training at a time: start this one when"


def desk(runs, name):
    """The desk of a domain whose workspace keeps its runs in `runs`."""
    workspace = SimpleNamespace(runs=lambda domain: runs / domain, logs=runs.parent / "logs")
    pack = SimpleNamespace(name=name, root=runs.parent)
    return LocalTrainingDesk(SimpleNamespace(workspace=workspace, pack=pack, trusted=False, settings=None))  # type: ignore[arg-type]


@pytest.fixture
def started(monkeypatch):
    """The commands that desks start, instead of starting them."""
    commands = []

    def start(settings, workspace, log, *arguments):
        commands.append(arguments)
        return sleeper.pid

    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(training_desk, "start_command", start)
    yield commands
    sleeper.kill()
    sleeper.wait()


def test_a_second_domain_is_refused_and_told_which_one_trains(tmp_path):
    with recorded(tmp_path / "garden", "garden"):
        assert domain_in_training(tmp_path) == domain_that_trains(tmp_path) == "garden"
        with pytest.raises(TrainError, match=REFUSED), recorded(tmp_path / "helpdesk", "helpdesk"):
            pass
        assert look(tmp_path / "helpdesk").state == "none"
    assert domain_that_trains(tmp_path) is None
    with recorded(tmp_path / "helpdesk", "helpdesk"):
        assert domain_in_training(tmp_path) == "helpdesk"


def test_so_it_is_when_the_other_one_is_in_another_process(tmp_path):
    code = "import sys, time; from pathlib import Path; from graft.training_record import recorded\n"
    code += "with recorded(Path(sys.argv[1]), 'garden'): print(flush=True); time.sleep(600)"
    command = [sys.executable, "-c", code, str(tmp_path / "garden")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(TrainError, match=REFUSED), recorded(tmp_path / "helpdesk", "helpdesk"):
            pass
        other.kill()
    with recorded(tmp_path / "helpdesk", "helpdesk"):  # nothing is left behind that would have to be removed
        pass


def test_what_only_holds_the_place_keeps_all_domains_from_training(tmp_path):
    with (
        only_training(tmp_path, "garden"),
        pytest.raises(TrainError, match=REFUSED),
        recorded(tmp_path / "garden", "garden"),
    ):
        pass


@pytest.mark.parametrize("resume", [False, True])
def test_the_page_of_another_domain_says_whom_it_has_to_wait_for(tmp_path, started, resume):
    helpdesk = desk(tmp_path, "helpdesk")
    begin = helpdesk.resume if resume else lambda: helpdesk.start(TrainingChoice())
    with recorded(tmp_path / "garden", "garden") as recorder:
        recorder.tell(TrainingStatus(state="training"))
        with pytest.raises(TrainError, match=REFUSED):
            begin()
    assert started == []
    begin()
    assert len(started) == 1


def test_one_that_is_only_being_started_counts(tmp_path, started):
    desk(tmp_path, "garden").start(TrainingChoice())
    assert look(tmp_path / "garden").state == "starting"
    with pytest.raises(TrainError, match=REFUSED):
        desk(tmp_path, "helpdesk").start(TrainingChoice())
    with pytest.raises(TrainError, match="goes on already"):
        desk(tmp_path, "garden").start(TrainingChoice())
    assert len(started) == 1


def test_a_command_that_died_keeps_nobody_waiting(tmp_path, started):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    log = tmp_path / "train.log"
    log.write_text("graft: no memory\n")
    write_json(tmp_path / "garden" / STARTED, {"pid": gone.pid, "time": time.time(), "log": str(log)})
    desk(tmp_path, "helpdesk").start(TrainingChoice())
    assert len(started) == 1
