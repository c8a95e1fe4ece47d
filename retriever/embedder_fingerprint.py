"""The fingerprint of an embedder: the same whenever its vectors may be compared, another when not.

It covers weights, tokenizer, pooling, length and prompts as the folder's files have them, but not the precision they
are computed in: vectors in bfloat16 or eight-bit integers agree with those in float32 (cosine above 0.999).
Needs neither the framework nor the weights in memory.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from retriever.model_folder import ModelFolder

# Raised when the fingerprint covers something else than before.
_VERSION = 2
_WHOLE = 256 << 20  # weights up to this size are hashed whole, of larger ones this much, evenly spread
_PIECE = 1 << 20
# Written by the library that saved the model; they change no vector.
_IRRELEVANT = {"_name_or_path", "dtype", "torch_dtype", "transformers_version", "use_cache", "architectures"}
# The first one that is there tells how texts become tokens.
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)


def fingerprint(folder: ModelFolder) -> str:
    """32 hexadecimal digits. Raises OSError where a file cannot be read."""
    digest = hashlib.sha256()
    parts = [(part.kind, part.settings) for part in folder.parts]
    config = {key: value for key, value in folder.config.items() if key not in _IRRELEVANT}
    said = [_VERSION, parts, config, folder.max_tokens, folder.query_prompt, folder.document_prompt]
    digest.update(json.dumps(said, sort_keys=True).encode())
    for name in _TOKENIZERS:
        if (folder.first.folder / name).is_file():
            digest.update((folder.first.folder / name).read_bytes())
            break
    for part in folder.parts:
        for file in weight_files(part.folder):
            add_weights(digest, file)
    return digest.hexdigest()[:32]


def weight_files(folder: Path) -> list[Path]:
    """The files with a part's weights: safetensors, else PyTorch's."""
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def add_weights(digest: Any, file: Path) -> None:
    """Let a hash cover a file of weights: whole, or a very large one evenly sampled. Raises OSError."""
    size = file.stat().st_size
    digest.update(f"{file.name} {size}".encode())
    pieces = -(-min(size, _WHOLE) // _PIECE)
    with file.open("rb") as weights:
        for piece in range(pieces):
            if size > _WHOLE:
                weights.seek(piece * (size - _PIECE) // (pieces - 1))
            digest.update(weights.read(_PIECE))
