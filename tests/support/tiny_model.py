"""A tiny Llama with a chat template and rows to train it on: real training in a second."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = ["what", "is", "a", "red", "green", "blue", "stone", "bird", "river", "the", "answer", "of", "level"]
TEMPLATE = (
    "{% for m in messages %}{{ '<' + m['role'] + '> ' + m['content'] + ' <end>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Words are tokens."""
    special = ["<pad>", "<system>", "<user>", "<assistant>", "<end>"]
    plain = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*special, "<unk>", *WORDS])}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    found = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", eos_token="<end>", unk_token="<unk>")
    found.chat_template = TEMPLATE
    return found


def save_tiny_model(folder: Path, dtype: torch.dtype = torch.bfloat16) -> Path:
    """Model and tokenizer as a Hugging Face folder."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        eos_token_id=4,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).to(dtype).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def question(i: int) -> tuple[list[dict[str, str]], str, str]:
    """Prompt, right answer, wrong answer number `i`."""
    color, other, thing = WORDS[3 + i % 3], WORDS[3 + (i + 1) % 3], WORDS[6 + i % 3]
    text = " ".join(["what is the level of", *["a", color, thing] * (1 + i % 4)])
    prompt = [{"role": "system", "content": "the answer is a level"}, {"role": "user", "content": text}]
    return prompt, f"the {thing} is {color}", f"the {thing} is {other}"


def said(text: str) -> list[dict[str, str]]:
    """An assistant's message."""
    return [{"role": "assistant", "content": text}]


def write_rows(path: Path, count: int, data: str = "rows") -> Path:
    """Rows of a kind of training data, each of a record of its own."""
    rows: list[dict[str, Any]] = []
    for i in range(count):
        prompt, right, wrong = question(i)
        row: dict[str, Any] = {"prompt": prompt, "record": f"r{i}"}
        if data == "rows":
            row["completion"] = said(right)
        elif data == "pairs":
            row |= {"chosen": said(right), "rejected": said(wrong)}
        else:
            row |= {"completion": said(right if i % 2 else wrong), "label": bool(i % 2)}
        rows.append(row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
