"""Training from the page's desk, really: planned, started in its own process, cancelled, resumed, published."""

import asyncio
import time

import pytest

from core.errors import TrainError
from core.pack import load_pack
from core.settings import load_settings
from core.training_desk import TrainingChoice
from core.workspace import Workspace
from finetune.checkpoints import last_whole
from graft.service import LocalService
from graft.training_desk import LocalTrainingDesk
from tests.support.graft_process import copy_pack
from tests.support.tiny_model import save_tiny_model

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The garden with a tiny model, indexed."""
    folder = tmp_path_factory.mktemp("desk")
    tiny = save_tiny_model(folder / "tiny")
    settings = load_settings({"models.llm": str(tiny), "serve.max_model_len": 2048}, None)
    pack = copy_pack("garden", folder / "packs")
    service = LocalService(settings, Workspace.open(folder / "workspace"), load_pack(str(pack), folder, folder))
    service.prepare(lambda text: None)
    service.open_index(lambda *_: None)
    return service


def wait(desk, done):
    """The view for which `done` holds; fails when the training has ended otherwise."""
    while True:
        view = desk.view()
        if done(view):
            return view
        assert view.busy, view
        time.sleep(0.1)


def test_a_training_is_planned_cancelled_resumed_and_published(service):
    desk = LocalTrainingDesk(service)
    assert desk.view().state == "none"
    assert next(offer.count for offer in desk.data() if offer.data == "rows") > 0
    choice = TrainingChoice(max_steps=150, max_minutes=60, activate=False, seed=11)
    seen = []
    plan = asyncio.run(desk.plan(choice, lambda done, total: seen.append((done, total))))
    plan.check()
    assert plan.steps == 150
    assert seen[-1][0] == seen[-1][1]

    desk.start(choice)
    with pytest.raises(TrainError, match="goes on already"):
        desk.start(choice)
    wait(desk, lambda view: view.step > 26)
    # A page that was started anew finds it by its files.
    again = LocalTrainingDesk(service)
    view = again.view()
    assert (view.state, view.method, view.steps) == ("training", "lora", 150)
    assert view.points
    assert "time" in view.plan[-1]
    again.cancel()
    stopped = wait(desk, lambda view: not view.busy)
    assert stopped.state == "stopped"
    assert stopped.resumable
    assert stopped.run is not None
    checkpoint = last_whole(service.workspace.runs(service.pack.name) / stopped.run / "checkpoints")
    assert checkpoint is not None
    assert desk.adapters() == []
    with pytest.raises(TrainError, match="no training goes on"):
        desk.cancel()

    again.resume()
    done = wait(again, lambda view: view.state == "done")
    assert (done.run, done.step) == (stopped.run, 150)
    steps = [point.step for point in done.points]
    assert steps == sorted(set(steps))
    (adapter,) = again.adapters()
    assert adapter.name == done.adapter
    assert adapter.manifest["run"] == done.run
    (row,) = again.runs()
    assert (row.done, row.adapter) == (True, adapter.name)
    # What a killed publication left undone: the same content has the same name.
    service.store.remove(adapter.name)
    assert again.runs()[0].adapter is None
    assert again.publish(row.run) == adapter.name


def test_what_the_command_refuses_is_told(service):
    desk = LocalTrainingDesk(service)
    desk.start(TrainingChoice(method="dpo"))
    view = wait(desk, lambda view: not view.busy)
    assert view.state == "failed"
    assert "goes on from an adapter" in view.detail
