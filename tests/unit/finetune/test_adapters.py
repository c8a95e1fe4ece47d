"""The adapter store: immutable names, checks before activation, and a pointer that can go back."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import AdapterError
from finetune.adapters import AdapterManifest, AdapterStore, Provenance
from finetune.job import Job

NAME = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.fixture
def job() -> Job:
    return Job(domain="garden", base="/models/x", base_name="tiny", rows="rows.jsonl", data_hash="d", prompt_hash="p")


@pytest.fixture
def store(tmp_path: Path) -> AdapterStore:
    return AdapterStore("garden", tmp_path / "adapters")


def trained(folder: Path, value: float = 1.0, name: str = NAME) -> Path:
    folder.mkdir(parents=True)
    save_file({name: torch.full((2, 2), value)}, str(folder / "adapter_model.safetensors"))
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": 2, "base_model_name_or_path": "/x"})
    )
    return folder


def test_same_content_has_the_same_name_and_other_content_another(store, job, tmp_path):
    first = store.publish(trained(tmp_path / "a"), job, 3, {})
    again = store.publish(trained(tmp_path / "b"), job, 3, {})
    other = store.publish(trained(tmp_path / "c", 2.0), job, 3, {})
    assert first.name == again.name != other.name
    assert first.name.startswith("garden@")
    assert not list(store.folder.glob(".staging-*"))


def test_the_order_of_targets_is_no_content(store, job, tmp_path):
    names = []
    for n, targets in enumerate((["q_proj", "k_proj"], ["k_proj", "q_proj"])):
        folder = trained(tmp_path / str(n))
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps({**config, "target_modules": targets}))
        names.append(store.publish(folder, job, 3, {}).name)
    assert names[0] == names[1]


def test_published_config_names_the_base_by_name_not_by_path(store, job, tmp_path):
    name = store.publish(trained(tmp_path / "a"), job, 3, {}).name
    config = json.loads((store.path(name) / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny"


def test_activate_and_roll_back(store, job, tmp_path):
    first = store.publish(trained(tmp_path / "a"), job, 3, {}).name
    second = store.publish(trained(tmp_path / "b", 2.0), job, 3, {}).name
    assert store.active() is None
    store.activate(first)
    store.activate(second)
    assert store.active() == second
    with pytest.raises(AdapterError, match="not on huge"), store.rollback() as name:
        store.check(name, base_name="huge")
    assert store.active() == second
    with store.rollback() as name:
        assert name == first
    assert store.active() == first
    with pytest.raises(AdapterError, match="no earlier adapter"), store.rollback():
        pass


def test_other_base_or_prompt_is_refused_by_name(store, job, tmp_path):
    name = store.publish(trained(tmp_path / "a"), job, 3, {}).name
    with pytest.raises(AdapterError, match="trained on tiny, not on huge"):
        store.activate(name, base_name="huge")
    with pytest.raises(AdapterError, match="other prompts"):
        store.activate(name, prompt_hash="q")
    assert store.active() is None


def test_unknown_adapter_names_the_known(store, job, tmp_path):
    known = store.publish(trained(tmp_path / "a"), job, 3, {}).name
    with pytest.raises(AdapterError, match=known):
        store.activate("garden@00000000")


@pytest.mark.parametrize("name", ["../garden", "garden@../../x", ""])
def test_names_do_not_leave_the_store(store, name):
    with pytest.raises(AdapterError):
        store.path(name)


def test_infinite_weights_and_foreign_tensors_are_refused(store, job, tmp_path):
    broken = store.publish(trained(tmp_path / "a", float("inf")), job, 3, {}).name
    foreign = store.publish(trained(tmp_path / "b", 1.0, "model.embed_tokens.weight"), job, 3, {}).name
    with pytest.raises(AdapterError, match="infinite"):
        store.check(broken)
    with pytest.raises(AdapterError, match="no LoRA matrix"):
        store.check(foreign)


def test_provenance_and_tokenizer_are_published(store, job, tmp_path):
    folder = trained(tmp_path / "a")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "training_args.bin").write_bytes(b"pickle")
    given = Provenance(base_revision="r1", corpus="c", corpus_generation="g2", train=300, test=40, records=120)
    name = store.publish(folder, job, 3, {}, given).name
    assert store.manifest(name).provenance == given
    assert {path.name for path in store.path(name).iterdir()} == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "graft.json",
        "tokenizer.json",
    }


def test_manifest_of_an_older_graft_is_read(store, job, tmp_path):
    name = store.publish(trained(tmp_path / "a"), job, 3, {}).name
    path = store.path(name) / "graft.json"
    new = {"provenance", "origin", "overrides", "remarks"}
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k not in new}))
    assert store.manifest(name).provenance == Provenance()


def test_active_adapter_is_only_removed_when_said_so(store, job, tmp_path):
    first = store.publish(trained(tmp_path / "a"), job, 3, {}).name
    second = store.publish(trained(tmp_path / "b", 2.0), job, 3, {}).name
    store.activate(first)
    store.activate(second)
    with pytest.raises(AdapterError, match="is active"):
        store.remove(second)
    store.remove(second, active_too=True)
    assert store.active() == first
    assert [m.name for m in store.list()] == [first]
    with pytest.raises(AdapterError, match="no adapter"):
        store.remove(second)
    assert not list(store.folder.glob(".removed-*"))


def test_unknown_prompts_pass_and_overrides_pass_for_what_they_name(store, job, tmp_path):
    plain = AdapterManifest(name="", domain="", base_name="tiny", prompt_hash=None)
    config = json.loads((trained(tmp_path / "a") / "adapter_config.json").read_text())
    unknown = store.add(tmp_path / "a", config, plain).name
    assert store.check(unknown, base_name="tiny", prompt_hash="anything").name == unknown
    forced = store.add(
        tmp_path / "a", config, plain.model_copy(update={"prompt_hash": "old", "overrides": ["here", "twin"]})
    ).name
    assert forced != unknown
    store.check(forced, base_name="twin", prompt_hash="here")
    with pytest.raises(AdapterError, match="other prompts"):
        store.check(forced, base_name="tiny", prompt_hash="elsewhere")
    with pytest.raises(AdapterError, match="not on huge"):
        store.check(forced, base_name="huge", prompt_hash="here")
