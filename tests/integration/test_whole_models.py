"""A service with whole models, over two fakes of vLLM: who answers, on loan and active, and when the second runs."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.arms import ARMS
from core.chat import Question
from core.errors import AdapterError, ModelError
from core.settings import load_settings
from core.workspace import Workspace
from graft import build, whole_models
from graft.models import PreparedModels
from graft.service import LocalService
from serve.vllm_api import VllmApi
from tests.support.corpora import HashEmbedder
from tests.support.fake_process import fake_vllm
from tests.support.graft_process import REPOSITORY, copy_pack

pytestmark = pytest.mark.integration
NAME = "garden@aaaa1111"


class Second(VllmApi):
    """In the place of a VllmProcess for a whole model: the fake vLLM on that one's socket."""

    def __init__(self, serve, model, name, socket, log_file, *, lora) -> None:
        super().__init__("vLLM", "http://vllm", socket)
        self._command = ["-m", "serve.fake_vllm", "--uds", str(socket), "--model", name, "--reply", "I am whole."]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, on_progress) -> None:
        self.process = subprocess.Popen([sys.executable, *self._command], cwd=REPOSITORY)
        deadline = time.monotonic() + 60
        while not self.is_healthy():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes services of one workspace, as new processes would; the base's vLLM is one for all."""
    monkeypatch.setattr(build, "vllm_server", Second)
    monkeypatch.setattr(build, "token_counter", lambda llm: lambda text: len(text.split()))
    monkeypatch.setattr(whole_models, "check_room", lambda *_, **__: 0.5)
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    workspace = Workspace.open(tmp_path / "ws")
    folder = workspace.adapters("garden") / "aaaa1111"
    folder.mkdir(parents=True)
    manifest = {"name": NAME, "domain": "garden", "base_name": "base", "prompt_hash": None, "method": "full"}
    (folder / "graft.json").write_text(json.dumps({**manifest, "merged": True}))
    (folder / "config.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    pack = build.open_pack(str(copy_pack("garden", tmp_path)), workspace)
    services = []

    with fake_vllm("--model", "base", "--reply", "I am the base.") as (api, _):

        def make() -> LocalService:
            settings = load_settings({"serve.vllm_url": api.root_url}, environ={})
            service = LocalService(settings, workspace, pack)
            service.engine.models = PreparedModels(tmp_path, "base", tmp_path)
            service.engine.use_embeddings(HashEmbedder("hash-1"))
            service.start_model(lambda text: None)
            services.append(service)
            return service

        yield make
        for service in services:
            service.close()


async def ask(service: LocalService, arm: str = "lora", adapter: str | None = None) -> tuple[str, str]:
    answer = await service.answer(Question(text="Who are you?", arm=ARMS[arm], adapter=adapter))
    return answer.model, answer.text


def test_a_loan_lets_a_whole_model_answer_and_ends_its_server(serve):
    service = serve()

    async def go() -> None:
        with pytest.raises(AdapterError, match="is not being served"):
            await ask(service, adapter=NAME)
        async with service.lend(NAME):
            assert service.whole_models.find(NAME) is None  # nobody has asked yet
            assert await ask(service, adapter=NAME) == (NAME, "I am whole.")
            assert await ask(service, "base") == ("base", "I am the base.")
            second = service.whole_models.find(NAME)
            assert service.adapters() == []
        assert second.process.poll() is not None
        with pytest.raises(AdapterError, match="is not being served"):
            await ask(service, adapter=NAME)

    asyncio.run(go())


def test_an_active_whole_model_answers_without_a_restart_and_after_one(serve):
    service = serve()
    service.activate_now(NAME, unchecked=True)
    assert asyncio.run(ask(service)) == (NAME, "I am whole.")
    assert [(info.name, info.active) for info in service.adapters()] == [(NAME, True)]
    running = service.whole_models.find(NAME)
    service.activate_now(NAME, unchecked=True)  # once more is the same
    assert service.whole_models.find(NAME) is running
    service.close()
    assert running.process.poll() is not None

    again = serve()
    assert again.status().adapter == NAME
    assert again.whole_models.find(NAME) is None
    again.start_whole_model(lambda text: None)
    assert again.whole_models.find(NAME) is not None
    assert asyncio.run(ask(again)) == (NAME, "I am whole.")


def test_without_memory_for_it_the_base_answers_alone(serve, monkeypatch):
    serve().activate_now(NAME, unchecked=True)

    def full(*_, **__):
        raise ModelError("1.0 GiB are free: lower serve.kv_cache_gib")

    monkeypatch.setattr(whole_models, "check_room", full)
    service = serve()
    with pytest.raises(ModelError, match="GiB are free"):
        service.start_whole_model(lambda text: None)
    assert service.status().adapter is None
    assert service.adapters() == []
    assert asyncio.run(ask(service, "base")) == ("base", "I am the base.")
