"""The packaged models, really unpacked: they load offline, talk sense, and cut text as they were trained to."""

import json

import pytest

from core.errors import ModelError
from graft.convert_gguf import check_model
from graft.models import PACKAGED_LLM_NAME, packaged_embedder

pytestmark = pytest.mark.integration


def test_the_language_model_completes_a_known_sentence(llm_dir):
    check_model(llm_dir)


def test_a_scrambled_model_is_noticed(llm_dir, tmp_path):
    from safetensors.torch import load_file, save_file

    for path in llm_dir.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(llm_dir / "model.safetensors")
    name = "model.layers.0.mlp.down_proj.weight"
    weights[name] = weights[name].flip(0).contiguous()
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="install it anew"):
        check_model(tmp_path)


def test_nothing_in_the_folder_points_elsewhere(llm_dir):
    config = json.loads((llm_dir / "config.json").read_text())
    assert config["_name_or_path"] == PACKAGED_LLM_NAME
    assert config["dtype"] == "bfloat16"
    assert "auto_map" not in config
    assert "quantization_config" not in config


def test_digits_are_cut_one_by_one_before_byte_pairs(llm_dir):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(llm_dir)
    assert tokenizer.tokenize("E003   5") == ["E", "0", "0", "3", "ĠĠĠ", "5"]
    text = "fields.E003 \n  2024 <b> ü 你好"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_chat_template_ends_turns_with_the_end_token(llm_dir):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(llm_dir)
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.eos_token == "<|im_end|>"


def test_the_embedder_is_a_sentence_transformers_folder():
    assert (packaged_embedder() / "modules.json").is_file()
