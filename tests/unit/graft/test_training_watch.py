"""The training of another process shows in the status of the one that serves."""

import os
import threading
import time
from types import SimpleNamespace

import pytest

from core.files import write_json
from core.folder_lock import try_lock
from core.service import ServiceStatus, TrainingStatus
from graft.training_record import FILE, TrainingRecord
from graft.training_watch import follow_training


@pytest.fixture
def service(tmp_path):
    workspace = SimpleNamespace(runs=lambda domain: tmp_path / "runs")
    pack = SimpleNamespace(name="garden")
    return SimpleNamespace(workspace=workspace, pack=pack, state=ServiceStatus(domain="garden"))


def wait(service, state):
    while service.state.training.state != state:
        time.sleep(0.01)


def write(runs, pid, **status):
    write_json(runs / FILE, TrainingRecord(pid=pid, started=1.0, status=TrainingStatus(**status)).model_dump())


def test_another_process_is_followed_to_its_end_and_the_own_one_is_left_alone(service, tmp_path):
    runs, stop = tmp_path / "runs", threading.Event()
    handle = try_lock(runs)
    write(runs, os.getpid(), state="training")
    thread = threading.Thread(target=follow_training, args=(service, stop, 0.01), daemon=True)
    thread.start()
    time.sleep(0.1)
    assert service.state.training.state == "none"
    write(runs, os.getppid(), state="preparing", detail="training data 3 of 9")
    wait(service, "preparing")
    assert service.state.training.detail == "training data 3 of 9"
    write(runs, os.getppid(), state="done", detail="garden@1")
    os.close(handle)
    wait(service, "done")
    stop.set()
    thread.join()
