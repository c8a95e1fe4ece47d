"""A tiny lab from the page's desk: in a process of its own, followed by its folder, cancelled, gone on, read."""

import json
import time

import pytest

from core.lab_desk import LabWish
from core.pack import load_pack
from core.settings import load_settings
from core.workspace import Workspace
from graft.lab_desk import LocalLabDesk
from graft.service import LocalService
from tests.integration.test_lab_fake_model import EXAMPLE, FACT
from tests.support.fake_process import fake_vllm
from tests.support.graft_process import copy_pack

pytestmark = pytest.mark.integration


@pytest.fixture
def pack(tmp_path):
    folder = copy_pack("garden", tmp_path)
    config = folder / "domain.yaml"
    config.write_text(config.read_text().replace("name: garden", "name: meadow", 1))
    (folder / "corpus" / "watering.txt").write_text(f"{FACT}\n")
    (folder / "examples" / "test.jsonl").write_text(json.dumps(EXAMPLE) + "\n")
    return load_pack(str(folder), folder, folder)


def ended(desk, name, wanted):
    """The lab once its state is `wanted`."""
    while True:
        row = next(row for row in desk.runs() if row.name == name)
        if row.state != "running":
            assert row.state == wanted, row
            return row
        time.sleep(0.2)


def test_a_lab_is_run_read_and_gone_on_with(workspace, prepared, pack):
    with fake_vllm("--model", prepared.llm_name) as (api, _):
        url = api.base_url.removesuffix("/v1")
        settings = load_settings({"workspace": workspace, "serve.vllm_url": url}, None)
        service = LocalService(settings, Workspace.open(workspace), pack)
        desk = LocalLabDesk(service)
        offer = desk.offer()
        assert offer.questions == 1
        assert "needs training" in next(arm for arm in offer.arms if arm.name == "hybrid").missing
        name = desk.start(LabWish(arms=["base", "rag"]))
        row = ended(desk, name, "done")
        assert row.arms == ["base", "rag"]
        assert row.questions == 1
        assert [figure.arm for figure in row.figures] == ["base", "rag"]
        # Another page, another process: the folder says it all.
        again = LocalLabDesk(service)
        assert [one.name for one in again.runs()] == [name]
        report = again.report(name)
        assert report is not None
        assert "the arms compared" in report.read_text()
        found = again.errors(name, "base", None, 10)
        assert found.arms == ["base", "rag"]
        assert found.found == len(found.misses) == sum(line.count for line in found.classes)
        # It goes on from what was answered: nothing is asked a second time.
        (report.parent / "lab.json").unlink()
        (report.parent / "progress.json").write_text(json.dumps({"state": "running"}))
        assert ended(again, name, "stopped").arms == ["base", "rag"]
        again.go_on(name)
        ended(again, name, "done")
        document = json.loads((report.parent / "lab.json").read_text())
        assert all(arm["from_cache"] == 1 for arm in document["arms"].values())
    assert again.report("../meadow") is None
    assert not any(path.name == "models" for path in report.parent.iterdir())


def test_a_lab_without_a_model_fails_with_its_reason(workspace, prepared, pack):
    settings = load_settings({"workspace": workspace, "serve.vllm_url": "http://127.0.0.1:9"}, None)
    desk = LocalLabDesk(LocalService(settings, Workspace.open(workspace), pack))
    row = ended(desk, desk.start(LabWish(arms=["base"])), "failed")
    assert "127.0.0.1:9" in row.detail
