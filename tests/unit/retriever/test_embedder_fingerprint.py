"""The fingerprint changes with everything that changes a vector, and with nothing else."""

import json

import pytest

from retriever import embedder_fingerprint
from retriever.embedder_fingerprint import fingerprint
from retriever.model_folder import read_model_folder

MODULES = [
    {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
FILES = {
    "modules.json": MODULES,
    "config.json": {"hidden_size": 8, "max_position_embeddings": 64, "transformers_version": "1"},
    "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": False},
    "config_sentence_transformers.json": {"prompts": {"query": "q: "}},
    "tokenizer.json": {"model": {"vocab": {"a": 0}}},
    "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
}


def write(folder, changes=(), weights=b"w" * 5000):
    (folder / "1_Pooling").mkdir(parents=True)
    for name, value in {**FILES, **dict(changes)}.items():
        (folder / name).write_text(json.dumps(value))
    (folder / "model.safetensors").write_bytes(weights)
    return read_model_folder(folder)


def test_same_files_same_fingerprint(tmp_path):
    first, second = write(tmp_path / "a"), write(tmp_path / "b")
    assert fingerprint(first) == fingerprint(second)
    assert len(fingerprint(first)) == 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}),
        ("config_sentence_transformers.json", {"prompts": {"query": "q: ", "document": "d: "}}),
        ("sentence_bert_config.json", {"max_seq_length": 31, "do_lower_case": False}),
        ("sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": True}),
        ("config.json", {"hidden_size": 8, "max_position_embeddings": 64, "layer_norm_eps": 1e-5}),
        ("tokenizer.json", {"model": {"vocab": {"b": 0}}}),
        ("modules.json", [*MODULES, {"idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]),
    ],
)
def test_what_changes_vectors_changes_it(tmp_path, name, value):
    assert fingerprint(write(tmp_path / "a")) != fingerprint(write(tmp_path / "b", {name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "config.json",
            {**FILES["config.json"], "transformers_version": "2", "dtype": "bfloat16", "_name_or_path": "x"},
        ),
        ("1_Pooling/config.json", {"pooling_mode": "mean"}),
        ("config_sentence_transformers.json", {"prompts": {"query": "q: "}, "__version__": {"pytorch": "3"}}),
    ],
)
def test_what_does_not_change_vectors_does_not_change_it(tmp_path, name, value):
    assert fingerprint(write(tmp_path / "a")) == fingerprint(write(tmp_path / "b", {name: value}))


@pytest.mark.parametrize("at", [0, 2500, 4999])
def test_every_byte_of_the_weights_counts(tmp_path, at):
    changed = bytearray(b"w" * 5000)
    changed[at] = 0
    assert fingerprint(write(tmp_path / "a")) != fingerprint(write(tmp_path / "b", weights=bytes(changed)))
    assert fingerprint(write(tmp_path / "a2")) != fingerprint(write(tmp_path / "c", weights=b"w" * 5001))


@pytest.mark.parametrize("at", [0, 4999])
def test_large_weights_are_sampled_from_end_to_end(tmp_path, monkeypatch, at):
    monkeypatch.setattr(embedder_fingerprint, "_WHOLE", 1000)
    monkeypatch.setattr(embedder_fingerprint, "_PIECE", 100)
    changed = bytearray(b"w" * 5000)
    changed[at] = 0
    first = fingerprint(write(tmp_path / "a"))
    assert first == fingerprint(write(tmp_path / "b"))
    assert first != fingerprint(write(tmp_path / "c", weights=bytes(changed)))


def test_weights_of_later_parts_count(tmp_path):
    dense = [*MODULES, {"idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]
    found = set()
    for n in range(2):
        folder = write(tmp_path / str(n), {"modules.json": dense})
        (folder.root / "2_Dense").mkdir()
        (folder.root / "2_Dense" / "model.safetensors").write_bytes(bytes([n]))
        found.add(fingerprint(folder))
    assert len(found) == 2
