"""Hostile and broken adapters are refused, each for its own reason; sound ones come in as plain LoRA."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core.errors import AdapterError
from finetune.admission.folder import admit
from tests.unit.finetune.admission.conftest import CONFIG, SHAPES, key, tensors, write_adapter

FIRST = "model.layers.0.self_attn.q_proj"
Spoil = Callable[[Path], object]


def config(**changes: Any) -> Spoil:
    return lambda folder: (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, **changes}))


def text(content: str) -> Spoil:
    return lambda folder: (folder / "adapter_config.json").write_text(content)


def weights(**changes: Any) -> Spoil:
    """Changes tensors: `A` and `B` those of the first module, other names as they are; None removes one."""

    def spoil(folder: Path) -> None:
        found = tensors()
        for name, value in changes.items():
            full = key(FIRST, name) if name in "AB" else name
            if value is None:
                del found[full]
            else:
                found[full] = value
        save_file(found, str(folder / "adapter_model.safetensors"))

    return spoil


def raw(content: bytes) -> Spoil:
    return lambda folder: (folder / "adapter_model.safetensors").write_bytes(content)


def header(entries: dict[str, Any], data: bytes = b"") -> bytes:
    head = json.dumps(entries).encode()
    return struct.pack("<Q", len(head)) + head + data


def extra(name: str, content: bytes = b"x") -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return spoil


def without(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


def pickle_instead(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def link(name: str, target: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return spoil


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def tied(module: str) -> dict[str, torch.Tensor]:
    return {key(module, "A"): torch.ones(2, 8), key(module, "B"): torch.ones(8, 2)}


HOSTILE: dict[str, tuple[Spoil, str]] = {
    # --- the config as a file
    "no config": (without("adapter_config.json"), "adapter_config.json is missing"),
    "config is no JSON": (text("{"), "cannot be read as JSON"),
    "config is a list": (text("[]"), "must hold an object"),
    "config is empty": (text(""), "cannot be read as JSON"),
    "config is a pickle": (lambda f: (f / "adapter_config.json").write_bytes(b"\x80\x04N."), "cannot be read"),
    "config is huge": (text(json.dumps({**CONFIG, "x": "y" * 2_000_000})), "bytes"),
    "config is nested without end": (text('{"r":' + "[" * 100_000), "cannot be read as JSON"),
    "a key twice": (text('{"r": 2, "r": 4}'), "occurs twice"),
    "NaN": (text(json.dumps({**CONFIG, "lora_alpha": float("nan")})), "NaN is no JSON number"),
    "infinite": (text(json.dumps({**CONFIG, "lora_alpha": float("inf")})), "Infinity is no JSON number"),
    "huge number": (text(json.dumps(CONFIG).replace('"lora_alpha": 4', '"lora_alpha": 1e999')), "lora_alpha"),
    # --- another method than plain LoRA
    "prefix tuning": (config(peft_type="PREFIX_TUNING"), "Graft serves LORA"),
    "no peft_type": (config(peft_type=None), "peft_type is None"),
    "sequence classification": (config(task_type="SEQ_CLS"), "not CAUSAL_LM"),
    "DoRA": (config(use_dora=True), "DoRA"),
    "bias in LoRA layers": (config(lora_bias=True), "biases in its LoRA layers"),
    "biases": (config(bias="all"), "trains biases"),
    "LoRA biases": (config(bias="lora_only"), "trains biases"),
    "modules to save": (config(modules_to_save=["lm_head"]), "modules_to_save"),
    "token embeddings": (config(trainable_token_indices=[1]), "token embeddings"),
    "aLoRA": (config(alora_invocation_tokens=[1, 2]), "aLoRA"),
    "layer replication": (config(layer_replication=[[0, 2], [1, 3]]), "replicates layers"),
    "QALoRA": (config(use_qalora=True), "QALoRA"),
    "BD-LoRA": (config(use_bdlora={"nblocks": 2}), "block-diagonal"),
    "bare parameters": (config(target_parameters=["mlp.experts"]), "bare parameters"),
    "PiSSA": (config(init_lora_weights="pissa"), "change the base model's weights"),
    "PiSSA in few steps": (config(init_lora_weights="pissa_niter_16"), "change the base model's weights"),
    "OLoRA": (config(init_lora_weights="olora"), "change the base model's weights"),
    "LoftQ": (config(init_lora_weights="loftq", loftq_config={"loftq_bits": 4}), "LoftQ"),
    "CorDA": (config(corda_config={"corda_method": "ipm"}), "CorDA"),
    "init is a number": (config(init_lora_weights=3), "init_lora_weights is 3"),
    "Megatron": (config(megatron_config={"a": 1}), "Megatron"),
    "Arrow": (config(arrow_config={"k": 1}), "Arrow"),
    # --- code
    "class to import": (config(auto_mapping={"base_model_class": "X", "parent_library": "os"}), "Python classes"),
    "unknown field": (config(trust_remote_code=True), "field 'trust_remote_code'"),
    "field of a later PEFT": (config(use_newlora=True), "field 'use_newlora'"),
    "vLLM's own field": (config(vllm_lora_scaling_factor=100.0), "field 'vllm_lora_scaling_factor'"),
    "a script": (extra("run.py"), "run.py is code"),
    "a library deep inside": (extra("a/b/evil.so"), "evil.so is code"),
    "a notebook": (extra("Train.IPYNB"), "is code"),
    # --- fields of the wrong kind
    "rank zero": (config(r=0), "r is 0"),
    "rank below zero": (config(r=-2), "r is -2"),
    "rank is text": (config(r="2"), "r is '2'"),
    "rank is true": (config(r=True), "r is True"),
    "rank missing": (config(r=None), "r is None"),
    "rank over the cap": (config(r=128), "raise serve.max_lora_rank"),
    "rank over the cap in a pattern": (config(rank_pattern={"q_proj": 128}), "its rank 128"),
    "alpha zero": (config(lora_alpha=0), "lora_alpha is 0"),
    "alpha is a list": (config(lora_alpha=[4]), "lora_alpha"),
    "dropout of one": (config(lora_dropout=1.0), "lora_dropout"),
    "pattern that takes for ever": (config(rank_pattern={"(a+)+$": 2}), "rank_pattern"),
    "pattern of alphas": (config(alpha_pattern={".*": 2}), "alpha_pattern"),
    "pattern is a list": (config(rank_pattern=["q_proj"]), "rank_pattern"),
    "rslora is text": (config(use_rslora="no"), "use_rslora"),
    "no target": (config(target_modules=[]), "target_modules"),
    "target is a path": (config(target_modules=["../../q_proj"]), "target_modules"),
    "target is a number": (config(target_modules=[1]), "target_modules"),
    "layers are text": (config(layers_to_transform="all"), "layers_to_transform"),
    "base is a list": (config(base_model_name_or_path=["tiny"]), "base_model_name_or_path"),
    "base with an escape": (config(base_model_name_or_path="tiny\x1b[2J"), "base_model_name_or_path"),
    # --- weights as a file
    "no weights": (without("adapter_model.safetensors"), "is missing"),
    "pickle instead": (pickle_instead, "can run code"),
    "pickle beside": (extra("adapter_model.bin"), "can run code"),
    "torch file beside": (extra("adapter_model.pt"), "can run code"),
    "weights are empty": (raw(b""), "cannot be read as safetensors"),
    "weights are a pickle": (raw(b"\x80\x04cos\nsystem\n."), "cannot be read as safetensors"),
    "weights are cut": (lambda f: os.truncate(f / "adapter_model.safetensors", 300), "cannot be read as safetensors"),
    "header longer than the file": (raw(struct.pack("<Q", 1 << 40) + b"{}"), "cannot be read as safetensors"),
    "header is no JSON": (raw(struct.pack("<Q", 4) + b"nope"), "cannot be read as safetensors"),
    "data beyond the end": (
        raw(header({key(FIRST, "A"): {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 64]}})),
        "cannot be read as safetensors",
    ),
    "overlapping data": (
        raw(
            header(
                {
                    key(FIRST, "A"): {"dtype": "F32", "shape": [2, 8], "data_offsets": [0, 64]},
                    key(FIRST, "B"): {"dtype": "F32", "shape": [8, 2], "data_offsets": [0, 64]},
                },
                bytes(64),
            )
        ),
        "cannot be read as safetensors",
    ),
    "no tensors": (raw(header({})), "holds 0 tensors"),
    # --- tensors
    "DoRA's magnitudes": (weights(**{f"base_model.model.{FIRST}.lora_magnitude_vector": torch.ones(8)}), "DoRA"),
    "embeddings": (weights(**{"base_model.model.model.embed_tokens.lora_embedding_A": torch.ones(2, 9)}), "embedd"),
    "a bias": (weights(**{f"base_model.model.{FIRST}.lora_B.bias": torch.ones(8)}), "bias"),
    "a saved module": (weights(**{"base_model.model.lm_head.modules_to_save.weight": torch.ones(2)}), "whole module"),
    "whole weights": (weights(**{"model.embed_tokens.weight": torch.ones(2, 2)}), "no LoRA matrix"),
    "name with a path": (weights(**{"base_model.model./etc/x.lora_A.weight": torch.ones(2, 8)}), "no LoRA matrix"),
    "layer the base has not": (weights(**tied("model.layers.7.self_attn.q_proj")), "another base"),
    "module the base has not": (weights(**tied("model.layers.0.self_attn.qkv_proj")), "another base"),
    "the output head": (weights(**tied("lm_head")), "another base"),
    "inputs of another width": (weights(A=torch.ones(2, 16)), "another base"),
    "outputs of another width": (weights(B=torch.ones(9, 2)), "another base"),
    "another rank than it says": (weights(A=torch.ones(3, 8)), "fits base and rank"),
    "turned round": (weights(B=torch.ones(2, 8)), "fits base and rank"),
    "three dimensions": (weights(A=torch.ones(2, 8, 1)), "fits base and rank"),
    "not a number": (weights(A=torch.full((2, 8), float("nan"))), "infinite or undefined"),
    "infinite weights": (weights(B=torch.full((8, 2), float("inf"))), "infinite or undefined"),
    "whole numbers": (weights(A=torch.ones(2, 8, dtype=torch.int64)), "is I64"),
    "double precision": (weights(A=torch.ones(2, 8, dtype=torch.float64)), "is F64"),
    "A without B": (weights(B=None), "no lora_B"),
    "B without A": (weights(A=None), "no lora_A"),
    "a layer left out": (weights(A=None, B=None), "are missing"),
    "targets without tensors": (config(target_modules=["q_proj", "v_proj", "down_proj"]), "are missing"),
    "tensors without target": (config(target_modules=["q_proj"]), "target_modules does not name"),
    "target the base has not": (config(target_modules=["q_proj", "v_proj", "w1"]), "'w1' is not a linear layer"),
    "all linear layers, but not there": (config(target_modules="all-linear"), "are missing"),
    # --- the folder
    "weights are a link": (link("adapter_model.safetensors", "/etc/passwd"), "is a link"),
    "config is a link": (link("adapter_config.json", "/etc/passwd"), "is a link"),
    "a link out": (link("notes", "/etc"), "is a link"),
    "a pipe": (pipe, "neither file nor folder"),
    "manifest is no JSON": (extra("graft.json", b"{"), "cannot be read as JSON"),
    "manifest is of something else": (extra("graft.json", b'{"name": []}'), "no manifest of Graft"),
    "manifest is huge": (extra("graft.json", b" " * 2_000_000), "bytes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_or_broken_adapter_is_refused_and_told_why(folder, case):
    spoil, reason = HOSTILE[case]
    spoil(folder)
    with pytest.raises(AdapterError) as refusal:
        admit(folder, SHAPES, max_rank=64)
    assert reason in str(refusal.value)
    assert "\x1b" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_sixty_variants_at_least():
    assert len(HOSTILE) >= 60


def test_sound_adapter_becomes_a_plain_config_of_our_own(folder):
    admitted = admit(folder, SHAPES, max_rank=64)
    assert admitted.config == {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": 2,
        "lora_alpha": 4,
        "lora_dropout": 0.0,
        "use_rslora": False,
        "fan_in_fan_out": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "target_modules": ["q_proj", "v_proj"],
        "bias": "none",
        "init_lora_weights": True,
        "inference_mode": True,
    }
    assert admitted.remarks == []
    assert admitted.manifest is None


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"use_rslora": True}, ("q_proj", "v_proj")),
        ({"init_lora_weights": "gaussian"}, ("q_proj", "v_proj")),
        ({"field_of_a_later_peft": None, "another": False}, ("q_proj", "v_proj")),
        ({"target_modules": ["self_attn.q_proj"]}, ("q_proj",)),
        ({"target_modules": "all-linear"}, ("q_proj", "v_proj", "down_proj")),
        ({"task_type": None, "base_model_name_or_path": None}, ("q_proj", "v_proj")),
    ],
)
def test_sound_variants_are_admitted(tmp_path, changes, parts):
    found = write_adapter(tmp_path / "a", {**CONFIG, **changes}, tensors(parts))
    assert admit(found, SHAPES, 64).config["target_modules"] == sorted(parts)


def test_ranks_by_pattern_are_checked_and_kept(tmp_path):
    mixed = {**tensors(("q_proj",)), **tensors(("v_proj",), rank=3)}
    found = write_adapter(tmp_path / "a", {**CONFIG, "rank_pattern": {"v_proj": 3}}, mixed)
    assert admit(found, SHAPES, 64).config["rank_pattern"] == {"v_proj": 3}


def test_targets_of_some_layers_are_named_in_full(tmp_path):
    some = {name: value for name, value in tensors(("q_proj",)).items() if ".layers.1." in name}
    found = write_adapter(tmp_path / "a", {**CONFIG, "target_modules": ["q_proj"], "layers_to_transform": [1]}, some)
    assert admit(found, SHAPES, 64).config["target_modules"] == ["model.layers.1.self_attn.q_proj"]


def test_pattern_of_targets_is_never_run(tmp_path):
    pattern = r"(model\.layers\.(\d+)+)+\.self_attn\.(q|v)_proj"
    found = write_adapter(tmp_path / "a", {**CONFIG, "target_modules": pattern})
    admitted = admit(found, SHAPES, 64)
    assert admitted.config["target_modules"] == ["q_proj", "v_proj"]
    assert "pattern" in admitted.remarks[0]


def test_other_files_are_named_and_left_behind(folder):
    for name in ("README.md", "tokenizer.json", "training_args.bin", "optimizer.pt", "checkpoint-5/state.json"):
        extra(name)(folder)
    (remark,) = admit(folder, SHAPES, 64).remarks
    assert remark == "left behind: checkpoint-5/state.json, optimizer.pt, training_args.bin"
