"""Whole models, really trained and served by a real second vLLM: through the gate, on loan, active, and gone again."""

import asyncio
from pathlib import Path

import psutil
import pytest

from core.arms import ARMS
from core.chat import Question
from core.errors import AdapterError
from core.settings import load_settings
from core.workspace import Workspace
from finetune.adapters import AdapterManifest
from graft import build
from graft.parity import read_report
from graft.service import LocalService
from graft.training import Wishes, train_adapter
from tests.support.graft_process import copy_pack

pytestmark = [pytest.mark.integration, pytest.mark.vllm]
# Small in everything: what is shown is that the parts fit together.
SMALL = {
    "train.max_steps": 2,
    "train.rows_per_step": 1,
    "serve.max_model_len": 1536,
    "serve.kv_cache_gib": 0.5,
    "generate.max_tokens": 16,
}


@pytest.fixture
def service(workspace: Path, prepared, tmp_path: Path):
    space = Workspace.open(tmp_path / "ws")
    space.models.symlink_to(workspace / "models")
    settings = load_settings(SMALL, environ={})
    found = LocalService(settings, space, build.open_pack(str(copy_pack("garden", tmp_path)), space))
    found.prepare(lambda text: None)
    found.open_index(lambda stage, done, total: None)
    try:
        yield found
    finally:
        found.close()


def trained(service: LocalService, method: str) -> AdapterManifest:
    train = service.settings.train.model_copy(update={"method": method})
    service.settings = service.settings.model_copy(update={"train": train})
    return train_adapter(service, lambda status: None, Wishes(activate=False))


def ask(service: LocalService, adapter: str | None = None) -> str:
    question = Question(text="When do I prune quince?", arm=ARMS["hybrid"], adapter=adapter)
    return asyncio.run(service.answer(question)).model


def servers() -> int:
    """vLLM servers that this process has started."""
    return sum("serve.process_guard" in process.cmdline() for process in psutil.Process().children())


def test_dora_and_full_pass_the_gate_answer_and_leave_nothing_running(service):
    dora, full = trained(service, "dora"), trained(service, "full")
    assert (dora.merged, full.merged) == (True, True)
    service.start_model(lambda text: None)
    assert servers() == 1

    report = service.activate_now(dora.name)
    assert report is not None
    assert (report.passed, report.read_by) == (True, "PEFT")
    assert report.noise is not None
    assert servers() == 2
    assert ask(service) == dora.name
    assert [(info.name, info.active) for info in service.adapters()] == [(dora.name, True)]

    with pytest.raises(AdapterError, match="is not being served"):
        ask(service, full.name)

    async def on_loan() -> None:
        async with service.lend(full.name):
            question = Question(text="Where does sage want to stand?", arm=ARMS["lora"], adapter=full.name)
            assert (await service.answer(question)).model == full.name
            assert servers() == 3
            await service.activate(full.name)

    asyncio.run(on_loan())
    # The loan has ended, and the model stays because it is the active one; the one before it has gone.
    assert servers() == 2
    assert ask(service) == full.name
    found = read_report(service.store, full.name)
    assert found is not None
    assert (found.passed, found.read_by) == (True, "transformers")

    service.close()
    assert servers() == 0
