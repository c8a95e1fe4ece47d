"""Adapters in and out over a real, tiny base model: import, export, merge, and what plain PEFT makes of them."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from core.errors import AdapterError
from finetune.adapter_merge import merge_adapter
from finetune.adapters import AdapterStore
from finetune.admission.tensors import base_shapes
from finetune.job import Job
from graft.adapters import export_adapter, import_adapter
from graft.build import prompt_fingerprint
from graft.models import PreparedModels
from tests.support.graft_process import copy_pack, run_graft

pytestmark = pytest.mark.integration
IDS = torch.tensor([[1, 5, 9, 2, 7]])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    LlamaForCausalLM(config).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    model = get_peft_model(
        LlamaForCausalLM.from_pretrained(base),
        LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", rank_pattern={"k_proj": 2}),
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    folder = tmp_path_factory.mktemp("trained")
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def models(base: Path) -> PreparedModels:
    return PreparedModels(llm=base, llm_name="tiny", embedder=base)


@pytest.fixture
def store(tmp_path: Path) -> AdapterStore:
    return AdapterStore("garden", tmp_path / "adapters")


def publish(store: AdapterStore, base: Path, trained: Path, **changes: str) -> str:
    job = {"base_name": "tiny", "prompt_hash": prompt_fingerprint(base), **changes}
    return store.publish(
        trained, Job(domain="garden", base="", rows="", data_hash="d", **job), 3, {"last_loss": 1.0}
    ).name


def logits(base: Path, adapter: Path | None) -> torch.Tensor:
    model = LlamaForCausalLM.from_pretrained(base)
    with torch.no_grad():
        return (PeftModel.from_pretrained(model, str(adapter)) if adapter else model)(IDS).logits


def test_shapes_of_the_base_are_those_of_its_linear_layers(base):
    shapes = base_shapes(base)
    assert shapes["model.layers.0.self_attn.k_proj"] == (32, 16)
    assert shapes["model.layers.1.mlp.down_proj"] == (64, 32)
    assert len(shapes) == 14
    assert "lm_head" not in shapes


@pytest.mark.parametrize("target", ["out.zip", "out"])
def test_exported_adapter_is_plain_peft_and_comes_back(store, base, trained, models, tmp_path, target):
    name = publish(store, base, trained)
    exported = export_adapter(store, name, tmp_path / target)
    if exported.is_dir():
        torch.testing.assert_close(logits(base, exported), logits(base, trained))
    elsewhere = AdapterStore("garden", tmp_path / "elsewhere")
    manifest = import_adapter(elsewhere, str(exported), models, max_rank=64)
    torch.testing.assert_close(logits(base, elsewhere.path(manifest.name)), logits(base, trained))
    assert manifest.metrics == {"last_loss": 1.0}
    assert manifest.remarks == []
    assert manifest.origin == f"{name} from {exported}"
    assert elsewhere.check(manifest.name, base_name="tiny", prompt_hash=prompt_fingerprint(base))
    assert not list(elsewhere.folder.glob(".*"))
    with pytest.raises(AdapterError, match="exists already"):
        export_adapter(store, name, exported)


def test_folder_as_peft_wrote_it_comes_in_with_a_warning_and_can_be_activated(store, base, trained, models):
    manifest = import_adapter(store, str(trained), models, max_rank=64)
    assert any("nobody knows which prompts" in remark for remark in manifest.remarks)
    torch.testing.assert_close(logits(base, store.path(manifest.name)), logits(base, trained))
    store.activate(manifest.name, base_name="tiny", prompt_hash=prompt_fingerprint(base))
    assert store.active() == manifest.name
    assert import_adapter(store, str(trained), models, max_rank=64).name == manifest.name


def test_other_prompts_need_force(store, base, trained, models, tmp_path):
    exported = export_adapter(store, publish(store, base, trained, prompt_hash="0ther"), tmp_path / "a.zip")
    elsewhere = AdapterStore("garden", tmp_path / "elsewhere")
    with pytest.raises(AdapterError, match="other prompts"):
        import_adapter(elsewhere, str(exported), models, max_rank=64)
    assert elsewhere.list() == []
    manifest = import_adapter(elsewhere, str(exported), models, max_rank=64, force=True)
    elsewhere.activate(manifest.name, base_name="tiny", prompt_hash=prompt_fingerprint(base))
    assert any("--force" in remark for remark in manifest.remarks)


def test_another_base_needs_force_and_another_architecture_is_never_right(store, base, trained, models, tmp_path):
    folder = Path(shutil.copytree(trained, tmp_path / "a"))
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "someone/huge"}))
    with pytest.raises(AdapterError, match="made for someone/huge"):
        import_adapter(store, str(folder), models, max_rank=64)
    assert import_adapter(store, str(folder), models, max_rank=64, force=True).overrides == ["tiny"]
    wider = tmp_path / "wider"
    shutil.copytree(base, wider)
    changed = {**json.loads((wider / "config.json").read_text()), "intermediate_size": 96}
    (wider / "config.json").write_text(json.dumps(changed))
    with pytest.raises(AdapterError, match="another base"):
        import_adapter(store, str(folder), PreparedModels(wider, "tiny", base), max_rank=64, force=True)


def test_rank_over_the_cap_is_refused(store, trained, models):
    with pytest.raises(AdapterError, match=r"raise serve\.max_lora_rank"):
        import_adapter(store, str(trained), models, max_rank=3)


@pytest.mark.parametrize("source", ["./nowhere", "/nowhere/at/all", "nowhere.zip", "one-word", "a/b/c"])
def test_source_that_is_not_there_is_named(store, models, source):
    with pytest.raises(AdapterError, match="does not exist"):
        import_adapter(store, source, models, max_rank=64)


def test_hub_without_network_says_the_way_round(store, models, monkeypatch):
    def no_network(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    with pytest.raises(AdapterError, match="hf download someone/adapter"):
        import_adapter(store, "someone/adapter", models, max_rank=64)


def test_snapshot_of_the_hub_is_imported_through_its_links(store, base, trained, models, tmp_path, monkeypatch):
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for path in trained.iterdir():
        (snapshot / path.name).symlink_to(path)
    asked: list[tuple[str, list[str]]] = []

    def fetch(repo: str, *, allow_patterns: list[str]) -> str:
        asked.append((repo, allow_patterns))
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    manifest = import_adapter(store, "someone/adapter", models, max_rank=64)
    assert manifest.origin == "someone/adapter"
    assert asked == [("someone/adapter", ["adapter_model.safetensors", "adapter_config.json", "graft.json"])]
    torch.testing.assert_close(logits(base, store.path(manifest.name)), logits(base, trained))


def test_merged_model_answers_as_base_and_adapter_do(store, base, trained, tmp_path):
    name = publish(store, base, trained)
    merged = merge_adapter(base, store.path(name), store.manifest(name), tmp_path / "merged")
    torch.testing.assert_close(logits(merged, None), logits(base, trained), rtol=1e-4, atol=1e-4)
    assert (logits(merged, None) - logits(base, None)).abs().max() > 0.1
    assert (merged / "chat_template.jinja").is_file()
    assert json.loads((merged / "graft.json").read_text())["name"] == name
    assert not list(tmp_path.glob(".merging-*"))
    with pytest.raises(AdapterError, match="exists already"):
        merge_adapter(base, store.path(name), store.manifest(name), merged)


def test_commands_take_an_adapter_in_and_out_and_away(base, trained, tmp_path):
    ws, pack = tmp_path / "ws", copy_pack("garden", tmp_path)

    def graft(*arguments: str, fails: bool = False) -> str:
        done = run_graft(ws, "adapters", *arguments, "--domain", str(pack), "--llm", str(base))
        assert (done.returncode != 0) == fails, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if fails else done.stdout

    other = Path(shutil.copytree(trained, tmp_path / "other"))
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 16}))
    first, second = graft("import", str(trained)).strip(), graft("import", str(other)).strip()
    assert first != second
    listed = json.loads(graft("list", "--json"))["adapters"]
    assert {item["name"] for item in listed} == {first, second}
    diff = json.loads(graft("diff", first, second, "--json"))
    assert {"config.lora_alpha", "origin"} == {item["field"] for item in diff["fields"]}
    assert diff["total"]["right"] == pytest.approx(2 * diff["total"]["left"])
    graft("activate", first, "--unchecked")  # vLLM has no kernel for a model this small
    assert "is active" in graft("remove", first, fails=True)
    graft("export", first, "--out", str(tmp_path / "out.zip"))
    merged = json.loads(graft("merge", first, "--json"))["merged"]
    torch.testing.assert_close(logits(Path(merged), None), logits(base, trained), rtol=1e-4, atol=1e-4)
    graft("remove", first, "--force")
    assert graft("import", str(tmp_path / "out.zip")).strip() == first
    (trained_bin := tmp_path / "bin").mkdir()
    shutil.copy(trained / "adapter_config.json", trained_bin)
    (trained_bin / "adapter_model.bin").write_bytes(b"\x80\x04N.")
    assert "can run code" in graft("import", str(trained_bin), fails=True)
