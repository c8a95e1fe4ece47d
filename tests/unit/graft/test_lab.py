"""Which adapter an arm of the lab means."""

import json

import pytest

from core.arms import parse_lab_arm
from core.errors import ModelError
from core.settings import Settings
from finetune.adapters import AdapterStore
from graft import vllm_memory
from graft.lab import _too_large, find_adapter


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
