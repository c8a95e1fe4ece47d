"""Turns a GGUF file into a Hugging Face folder that vLLM, TRL and PEFT read: weights dequantised once to bfloat16.

Knows nothing of the workspace and of where models come from. Source of the tokenizer fix: llama.cpp's pre-tokenizer
"smollm", which splits digits one by one before byte-level BPE.
"""

import json
from pathlib import Path
from typing import Any

from core.errors import ModelError

# A base model that completes this wrongly was read wrongly: one scrambled layer is enough.
PROBE, PROBE_ANSWER = "The capital of France is", "Paris"


def convert_gguf(source: Path, target: Path, name: str) -> None:
    """Write the model in GGUF file `source` into the empty folder `target`. Takes about 15 s and 1 GB for 135M.

    Raises ModelError when the file cannot be read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{source} cannot be read as GGUF ({_first_line(error)}): install it anew (make setup), or set --llm"
        ) from error
    if _pre_tokenizer(source) == "smollm":
        _split_digits(tokenizer)
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.generation_config = GenerationConfig(
        bos_token_id=model.config.bos_token_id,
        eos_token_id=model.config.eos_token_id,
        pad_token_id=model.config.pad_token_id,
    )
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    _set_keys(target / "config.json", {"_name_or_path": name}, drop=("_model_name_or_path",))
    _set_keys(target / "tokenizer_config.json", {}, drop=("is_local", "local_files_only"))


def check_model(folder: Path) -> None:
    """Load the model in `folder` and let it complete one sentence. Raises ModelError when it talks nonsense."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    inputs = tokenizer(PROBE, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits
    if not torch.isfinite(logits).all():
        raise ModelError(f"the model in {folder} computes no numbers (NaN): its source is damaged, install it anew")
    best = tokenizer.decode(logits[0, -1].argmax())
    if PROBE_ANSWER not in best:
        raise ModelError(
            f"the model in {folder} completes '{PROBE}' with '{best.strip()}', not '{PROBE_ANSWER}': "
            "its source is damaged, install it anew (make setup)"
        )


def _split_digits(tokenizer: Any) -> None:
    """Restore the first step of SmolLM's pre-tokenizer, which transformers' GGUF reader leaves out."""
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    )


def _pre_tokenizer(source: Path) -> str:
    from gguf import GGUFReader

    field = GGUFReader(source).get_field("tokenizer.ggml.pre")
    return str(field.contents()) if field is not None else ""


def _set_keys(path: Path, values: dict[str, Any], drop: tuple[str, ...]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: value for key, value in content.items() if key not in drop}
    path.write_text(json.dumps({**kept, **values}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
