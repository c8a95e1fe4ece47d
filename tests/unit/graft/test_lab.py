"""Which adapter an arm of the lab means, and when answers that are kept are those of what answers now."""

import asyncio
import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from core.arms import parse_lab_arm
from core.errors import ModelError
from core.settings import GenerateSettings, Settings
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft import lab, vllm_memory
from graft.lab import _too_large, find_adapter
from graft.service import LocalService
from tests.fakes import FakeService


@pytest.fixture
def store(tmp_path):
    for version, method, created in (
        ("aaaa1111", "lora", "2026-01-01T00:00:00Z"),
        ("bbbb2222", "qlora", "2026-01-02T00:00:00Z"),
        ("cccc3333", "qlora", "2026-01-03T00:00:00Z"),
        ("eeee5555", "full", "2026-01-04T00:00:00Z"),
        ("ffff6666", "distilled", "2026-01-05T00:00:00Z"),
        ("99999999", "qlora of another base", "2026-01-06T00:00:00Z"),
    ):
        folder = tmp_path / version
        folder.mkdir()
        options = {"teacher": "big"} if method == "distilled" else {}
        manifest = {"name": f"garden@{version}", "domain": "garden", "base_name": "b", "prompt_hash": None}
        manifest |= {"method": "lora" if options else method, "options": options, "merged": method == "full"}
        if "another" in method:
            manifest |= {"method": "qlora", "base_name": "other"}
        (folder / "graft.json").write_text(json.dumps({**manifest, "created": created}))
    return AdapterStore("garden", tmp_path)


@pytest.mark.parametrize(
    ("arm", "adapter"),
    [
        ("hybrid", None),
        ("rag", None),
        ("hybrid@aaaa1111", "garden@aaaa1111"),
        ("lora@bbbb2222+schema", "garden@bbbb2222"),
        ("qlora", "garden@cccc3333"),
        ("full+schema", "garden@eeee5555"),
        ("hybrid@full", "garden@eeee5555"),
        ("distilled", "garden@ffff6666"),
        ("dora", None),
        ("hybrid@dddd4444", None),
    ],
)
def test_an_arm_names_its_adapter_by_hash_or_by_the_newest_of_a_method(store, arm, adapter):
    assert find_adapter(store, parse_lab_arm(arm), lambda manifest: manifest.base_name == "b") == adapter


def test_a_whole_model_for_which_there_is_no_memory_is_left_out_or_refused(store, monkeypatch):
    said: list[str] = []
    adapters = {"qlora": "garden@cccc3333", "full": "garden@eeee5555"}
    monkeypatch.setattr(vllm_memory, "gpu_memory", list)
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: 64 * vllm_memory.GIB)
    assert _too_large(store, adapters, Settings(), [], said.append) == set()
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: 0)
    assert _too_large(store, adapters, Settings(), ["full"], said.append) == {"full"}
    with pytest.raises(ModelError, match="whole model"):
        _too_large(store, adapters, Settings(), [], said.append)
    (line,) = said
    assert line.startswith("arm full is left out: garden@eeee5555 is a whole model")


class Serving(FakeService):
    """A service that was started by somebody else, and may have been started anew with other settings."""

    print = "one"

    async def answer(self, question, corpus=None):
        self.asked.append(question)
        return await super().answer(question, corpus)

    async def fingerprint(self) -> str:
        return self.print


def ask(service, workspace, monkeypatch, *arms, **options):
    """Run a lab over `service`; returns its document and the arms that were asked, not taken from the cache."""

    @contextmanager
    def connected(*_, **__):
        yield service

    monkeypatch.setattr(lab, "connected", connected)
    monkeypatch.setattr(lab, "_fits", lambda *_: lambda manifest: True)
    service.asked = []
    work = lab.run(
        Settings(workspace=workspace.root), workspace, service.pack, arms, workspace.root / "out", limit=None,
        say=print, progress=lambda *_: None, trusted=False, **options,
    )  # fmt: skip
    document = asyncio.run(work).document
    return document, [question.arm.name for question in service.asked]


@pytest.fixture
def service(tmp_path):
    found = Serving(tmp_path / "pack")
    folder = tmp_path / "pack" / "examples"
    folder.mkdir()
    row = {"id": "a", "question": "When is sage pruned?", "answer": "After flowering.", "format": "text"}
    (folder / "test.jsonl").write_text(json.dumps(row) + "\n")
    return found


def test_answers_are_kept_for_as_long_as_what_answers_is_the_same(service, tmp_path, monkeypatch):
    workspace = Workspace.open(tmp_path / "w")
    assert ask(service, workspace, monkeypatch, "rag")[1] == ["rag"]
    assert ask(service, workspace, monkeypatch, "rag")[1] == []
    service.print = "two"
    assert ask(service, workspace, monkeypatch, "rag")[1] == ["rag"]


def test_a_service_tells_what_determines_its_answers(tmp_path):
    workspace = Workspace.open(tmp_path / "w")
    found = SimpleNamespace(fingerprint="weights 1")
    engine = SimpleNamespace(
        prepared=lambda: SimpleNamespace(llm_name="smol"), prompt_hash="p", whole_model_starts=None,
        corpora=SimpleNamespace(has_index=lambda name: True, retriever=lambda name: found),
    )  # fmt: skip

    def told(**generate) -> str:
        settings = Settings(workspace=workspace.root, generate=GenerateSettings(**generate))
        pack = FakeService(tmp_path / "pack").pack
        return asyncio.run(LocalService(settings, workspace, pack, engine=engine).fingerprint())

    first = told()
    assert told(timeout_seconds=5, icl_examples=1) == first
    assert told(max_tokens=7) != first
    found.fingerprint = "weights 2"
    assert told() != first


def test_an_adapter_of_a_share_of_the_data_is_no_equal_run(service, tmp_path, monkeypatch):
    workspace = Workspace.open(tmp_path / "w")
    for version, options in (("aaaa1111", {}), ("bbbb2222", {}), ("cccc3333", {"share": 0.5})):
        folder = workspace.adapters("garden") / version
        folder.mkdir(parents=True)
        manifest = {"name": f"garden@{version}", "domain": "garden", "base_name": "b", "prompt_hash": None}
        (folder / "graft.json").write_text(json.dumps({**manifest, "options": options}))
    service.state = service.state.model_copy(update={"adapter": "garden@aaaa1111"})
    arms = ("hybrid", "hybrid@bbbb2222", "hybrid@cccc3333")
    document, _ = ask(service, workspace, monkeypatch, *arms)
    assert [entry["runs"] for entry in document["seeds"]] == [["hybrid", "hybrid@bbbb2222"]]
