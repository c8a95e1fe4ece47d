"""Which adapter an arm of the lab means."""

import json

import pytest

from core.arms import parse_lab_arm
from finetune.adapters import AdapterStore
from graft.lab import find_adapter


@pytest.fixture
def store(tmp_path):
    for version, method, created in (
        ("aaaa1111", "lora", "2026-01-01T00:00:00Z"),
        ("bbbb2222", "qlora", "2026-01-02T00:00:00Z"),
        ("cccc3333", "qlora", "2026-01-03T00:00:00Z"),
    ):
        folder = tmp_path / version
        folder.mkdir()
        manifest = {"name": f"garden@{version}", "domain": "garden", "base_name": "b", "prompt_hash": None}
        (folder / "graft.json").write_text(json.dumps({**manifest, "method": method, "created": created}))
    return AdapterStore("garden", tmp_path)


@pytest.mark.parametrize(
    ("arm", "adapter"),
    [
        ("hybrid", None),
        ("rag", None),
        ("hybrid@aaaa1111", "garden@aaaa1111"),
        ("lora@bbbb2222+schema", "garden@bbbb2222"),
        ("qlora", "garden@cccc3333"),
        ("distilled", None),
        ("hybrid@dddd4444", None),
    ],
)
def test_an_arm_names_its_adapter_by_hash_or_by_the_newest_of_a_method(store, arm, adapter):
    assert find_adapter(store, parse_lab_arm(arm)) == adapter
