"""What a model folder says of itself, in the old and the new way of writing it down."""

import json

import pytest

from core.errors import ModelError
from retriever.model_folder import read_model_folder


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


def modules(*parts):
    return [{"idx": n, "name": str(n), "path": path, "type": kind} for n, (kind, path) in enumerate(parts)]


OLD = modules(
    ("sentence_transformers.models.Transformer", ""),
    ("sentence_transformers.models.Pooling", "1_Pooling"),
    ("sentence_transformers.models.Normalize", "2_Normalize"),
)


def test_old_folder(tmp_path):
    write(tmp_path, modules=OLD, config={"max_position_embeddings": 512}, tokenizer_config={"model_max_length": 512})
    write(tmp_path, sentence_bert_config={"max_seq_length": 256, "do_lower_case": True})
    write(tmp_path / "1_Pooling", config={"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True})
    folder = read_model_folder(tmp_path)
    assert [part.kind for part in folder.parts] == ["Transformer", "Pooling", "Normalize"]
    assert folder.parts[1].settings == {"embedding_dimension": 8, "pooling_mode": "mean"}
    assert (folder.max_tokens, folder.lower_case) == (256, True)
    assert (folder.query_prompt, folder.document_prompt) == ("", "")


def test_new_folder_with_a_first_part_of_its_own(tmp_path):
    new = modules(
        ("sentence_transformers.base.modules.transformer.Transformer", "0_Transformer"),
        ("sentence_transformers.sentence_transformer.modules.pooling.Pooling", "1_Pooling"),
    )
    write(tmp_path, modules=new)
    write(
        tmp_path / "0_Transformer", config={"max_position_embeddings": 514}, tokenizer_config={"model_max_length": 99}
    )
    write(tmp_path / "1_Pooling", config={"embedding_dimension": 8, "pooling_mode": "cls", "include_prompt": True})
    write(tmp_path, config_sentence_transformers={"prompts": {"query": "q: ", "passage": "p: ", "document": ""}})
    folder = read_model_folder(tmp_path)
    assert folder.first.folder == tmp_path / "0_Transformer"
    assert folder.tokenizer_file == tmp_path / "0_Transformer" / "tokenizer.json"
    assert folder.parts[1].settings["pooling_mode"] == "cls"
    assert (folder.max_tokens, folder.lower_case) == (99, False)
    assert (folder.query_prompt, folder.document_prompt) == ("q: ", "p: ")


def test_several_poolings_are_kept_apart(tmp_path):
    write(tmp_path, modules=OLD)
    write(tmp_path / "1_Pooling", config={"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True})
    assert read_model_folder(tmp_path).parts[1].settings["pooling_mode"] == ["cls", "max"]


@pytest.mark.parametrize(
    ("tokenizer_config", "config", "expected"),
    [({"model_max_length": 10**30}, {"max_position_embeddings": 300}, 300), ({}, {}, 512), ({}, {"n": 1}, 512)],
)
def test_length_without_a_setting(tmp_path, tokenizer_config, config, expected):
    write(tmp_path, modules=OLD, config=config, tokenizer_config=tokenizer_config)
    assert read_model_folder(tmp_path).max_tokens == expected


def test_plain_transformer_gets_a_mean_pooling(tmp_path):
    write(tmp_path, config={"model_type": "bert"})
    folder = read_model_folder(tmp_path)
    assert [part.kind for part in folder.parts] == ["Transformer", "Pooling"]
    assert folder.config == {"model_type": "bert"}


@pytest.mark.parametrize("content", ["{", "[]", "{}", '[{"path": ""}]'])
def test_damaged_modules_are_named(tmp_path, content):
    (tmp_path / "modules.json").write_text(content)
    with pytest.raises(ModelError, match=r"modules\.json cannot be read"):
        read_model_folder(tmp_path)


def test_damaged_settings_are_named(tmp_path):
    write(tmp_path, modules=OLD)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        read_model_folder(tmp_path)


def test_folders_that_hold_no_model(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        read_model_folder(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"no modules\.json and no config\.json"):
        read_model_folder(tmp_path)
