"""Whole models on loan: one server each, started by the first who asks, stopped with the last who needs it."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from core.errors import AdapterError, ModelError, ServeError
from core.settings import ServeSettings
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import build, vllm_memory
from graft.whole_models import WholeModels

ONE, OTHER = "garden@aaaa1111", "garden@bbbb2222"


class Server:
    """In the place of a VllmProcess: notes its life. `slow` starts wait until they are stopped."""

    made: ClassVar[list["Server"]] = []
    error: Exception | None = None
    slow = False

    def __init__(self, serve, model, name, socket, log_file, *, lora) -> None:
        self.serve, self.model, self.name, self.socket, self.lora = serve, model, name, socket, lora
        self.life: list[str] = []
        self.stopped = threading.Event()
        Server.made.append(self)

    def start(self, on_progress) -> None:
        self.life.append("start")
        on_progress("loading weights")
        time.sleep(0.05)
        if Server.slow and self.stopped.wait(10):
            raise ServeError("vLLM was stopped while it started")
        if Server.error:
            raise Server.error

    def stop(self) -> None:
        self.life.append("stop")
        self.stopped.set()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WholeModels:
    for name in (ONE, OTHER):
        folder = tmp_path / "adapters" / name.partition("@")[2]
        folder.mkdir(parents=True)
        manifest = {"name": name, "domain": "garden", "base_name": "b", "prompt_hash": None, "merged": True}
        (folder / "graft.json").write_text(json.dumps(manifest))
        (folder / "model.safetensors").write_bytes(b"0")
    monkeypatch.setattr(Server, "made", [])
    monkeypatch.setattr(Server, "error", None)
    monkeypatch.setattr(Server, "slow", False)
    monkeypatch.setattr(build, "vllm_server", Server)
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: 64 * vllm_memory.GIB)
    monkeypatch.setattr(vllm_memory, "gpu_memory", list)
    store = AdapterStore("garden", tmp_path / "adapters")
    return WholeModels(ServeSettings(), Workspace.open(tmp_path / "ws"), store, threading.Lock())


def quiet(text: str) -> None:
    """Nobody listens."""


def test_nobody_opens_what_is_not_on_loan(models):
    with pytest.raises(AdapterError, match="is not being served"):
        models.open(ONE, quiet)
    assert Server.made == []


def test_many_who_ask_at_once_get_one_server_which_goes_with_the_last(models):
    models.lend(ONE)
    models.lend(ONE)
    said = []
    with ThreadPoolExecutor(8) as pool:
        servers = list(pool.map(lambda _: models.open(ONE, said.append), range(8)))
    (server,) = Server.made
    assert all(found is server for found in servers)
    assert said == [f"{ONE}, a whole model: loading weights"]
    assert (server.name, server.lora, server.model.name) == (ONE, False, "aaaa1111")
    assert server.socket.name.endswith("-aaaa1111")
    models.give_back(ONE)
    assert (models.find(ONE), server.life) == (server, ["start"])
    models.give_back(ONE)
    assert (models.find(ONE), server.life) == (None, ["start", "stop"])


def test_a_loan_that_nobody_used_starts_nothing(models):
    with models.lent(ONE):
        pass
    assert Server.made == []


def test_a_failure_is_told_to_all_and_tried_again_with_the_next_loan(models):
    Server.error = ServeError("vLLM did not start: out of memory")
    with models.lent(ONE):
        for _ in range(3):
            with pytest.raises(ModelError, match="out of memory"):
                models.open(ONE, quiet)
    assert len(Server.made) == 1
    Server.error = None
    with models.lent(ONE):
        assert models.open(ONE, quiet).life == ["start"]


def test_memory_is_looked_at_before_anything_starts(models, monkeypatch):
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: vllm_memory.GIB)
    models.lend(ONE)
    with pytest.raises(ModelError, match=r"1\.0 GiB are free"):
        models.open(ONE, quiet)
    assert Server.made == []


@pytest.mark.parametrize("end", ["give_back", "close"])
def test_a_start_that_is_no_longer_needed_is_broken_off(models, end):
    Server.slow = True
    models.lend(ONE)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(models.open, ONE, quiet)
        while not (Server.made and Server.made[0].life):
            time.sleep(0.005)
        models.give_back(ONE) if end == "give_back" else models.close()
        with pytest.raises(ModelError, match="stopped while it started"):
            opening.result(5)
    assert Server.made[0].life == ["start", "stop"]
    assert models.find(ONE) is None


def test_two_models_stand_side_by_side_and_close_stops_both(models):
    models.lend(ONE)
    models.lend(OTHER)
    assert models.open(ONE, quiet) is not models.open(OTHER, quiet)
    models.close()
    assert [server.life for server in Server.made] == [["start", "stop"]] * 2
    models.give_back(ONE)  # a loan that ends after everything was closed
