"""The engine's adapters: one record of what is loaded, which a restart of vLLM changes."""

import pytest

from core.errors import ServeError
from core.service import PartStatus
from core.settings import Settings
from core.workspace import Workspace
from graft.engine import SILENT, Engine
from serve.vllm_api import ExternalVllm

ADAPTER = "garden@3f9c2a1b"


class Restartable(ExternalVllm):
    """A vLLM elsewhere without HTTP. `broken`: it loads nothing."""

    def __init__(self) -> None:
        super().__init__("http://x")
        self.served: list[str] = []
        self.broken = False

    def _request(self, method, path, body=None):
        if path == "/v1/models":
            return {"data": [{"id": name} for name in ["base", *self.served]]}
        if self.broken:
            raise ServeError("it loads nothing")
        (self.served.append if path == "/v1/load_lora_adapter" else self.served.remove)(body["lora_name"])
        return {}

    def restart(self) -> None:
        self.served.clear()


@pytest.fixture
def vllm():
    return Restartable()


@pytest.fixture
def engine(tmp_path, vllm):
    workspace = Workspace.open(tmp_path / "ws")
    engine = Engine(Settings(workspace=workspace.root), workspace)
    engine.vllm, engine.state = vllm, PartStatus(state="ready")
    return engine


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "adapter"
    path.mkdir()
    (path / "adapter_config.json").write_text("{}")
    return path


def test_an_adapter_that_a_restart_lost_is_loaded_when_it_is_asked_for(engine, vllm, folder):
    assert not engine.has_adapter(ADAPTER)
    engine.load_adapter(ADAPTER, folder)
    assert engine.has_adapter(ADAPTER)
    engine._health_changed(False)
    vllm.restart()
    vllm.broken = True
    assert engine.state.detail == SILENT
    engine._health_changed(True)
    assert engine.state.state == "ready"
    assert not engine.has_adapter(ADAPTER)
    vllm.broken = False
    engine.load_adapter(ADAPTER, folder)
    assert vllm.served == [ADAPTER]


def test_what_is_unloaded_answers_no_more(engine, vllm, folder):
    engine.load_adapter(ADAPTER, folder)
    engine.unload_adapter(ADAPTER)
    assert not engine.has_adapter(ADAPTER)
    assert vllm.served == []
    engine.load_adapter(ADAPTER, folder)
    engine.vllm = None
    assert not engine.has_adapter(ADAPTER)
