"""What a sentence-transformers folder says of itself: parts, pooling, length, prompts. Loads no weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelError

# The names under which sentence-transformers has kept the settings of its first part.
_FIRST_PART = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_POOLINGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_LONGEST = 512


@dataclass(frozen=True)
class Part:
    """One part of a model, by the last word of its class, with its settings and the folder of its weights."""

    kind: str
    folder: Path
    settings: dict[str, Any]


@dataclass(frozen=True)
class ModelFolder:
    """A sentence-transformers folder. `config` is the first part's config.json (empty where it has none).

    `max_tokens` is what the model reads of a text, special tokens included. `query_prompt` and `document_prompt` are
    put before a question and a passage.
    """

    root: Path
    parts: tuple[Part, ...]
    config: dict[str, Any]
    tokenizer_config: dict[str, Any]
    max_tokens: int
    query_prompt: str
    document_prompt: str

    @property
    def first(self) -> Part:
        """The part that reads text."""
        return self.parts[0]

    @property
    def tokenizer_file(self) -> Path:
        """Its fast tokenizer; the file may be missing."""
        return self.first.folder / "tokenizer.json"

    @property
    def lower_case(self) -> bool:
        """Whether texts are lower-cased before the tokenizer sees them."""
        return bool(self.first.settings.get("do_lower_case"))


def read_model_folder(root: Path) -> ModelFolder:
    """Read the folder's settings. Raises ModelError where it is no model folder."""
    if not root.is_dir():
        raise ModelError(f"--embedder: folder {root} does not exist")
    parts = tuple(_read_part(root, entry) for entry in _modules(root))
    folder = parts[0].folder
    config, tokenizer_config = _read(folder / "config.json"), _read(folder / "tokenizer_config.json")
    prompts = _read(root / "config_sentence_transformers.json").get("prompts") or {}
    return ModelFolder(
        root=root,
        parts=parts,
        config=config,
        tokenizer_config=tokenizer_config,
        max_tokens=_max_tokens(parts[0].settings, config, tokenizer_config),
        query_prompt=prompts.get("query") or "",
        document_prompt=next((prompts[n] for n in ("document", "passage", "corpus") if prompts.get(n)), ""),
    )


def _modules(root: Path) -> list[dict[str, Any]]:
    """The entries of modules.json; a plain Hugging Face model gets what sentence-transformers gives it."""
    file = root / "modules.json"
    if not file.is_file():
        if not (root / "config.json").is_file():
            raise ModelError(f"--embedder: {root} has no modules.json and no config.json, so it is no model folder")
        return [{"type": "Transformer", "path": ""}, {"type": "Pooling", "path": None}]
    try:
        modules = json.loads(file.read_text(encoding="utf-8"))
        if modules and all(isinstance(entry["type"], str) for entry in modules):
            return sorted(modules, key=lambda entry: entry.get("idx", 0))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ModelError(f"--embedder: {file} cannot be read: obtain the model anew")


def _read_part(root: Path, entry: dict[str, Any]) -> Part:
    kind, path = entry["type"].rsplit(".", 1)[-1], entry.get("path")
    if path is None:
        return Part(kind, root, {})
    folder = root / path
    names = (*_FIRST_PART, "config.json") if kind != "Transformer" else _FIRST_PART
    settings = next((found for name in names if (found := _read(folder / name))), {})
    return Part(kind, folder, _modern(settings) if kind == "Pooling" else settings)


def _modern(pooling: dict[str, Any]) -> dict[str, Any]:
    """Pooling settings as they are written today: one name instead of a flag for each way."""
    settings = {key: value for key, value in pooling.items() if key not in _POOLINGS}
    ways = [way for flag, way in _POOLINGS.items() if pooling.get(flag)]
    if ways and "pooling_mode" not in settings:
        settings["pooling_mode"] = ways[0] if len(ways) == 1 else ways
    if "word_embedding_dimension" in settings:
        settings["embedding_dimension"] = settings.pop("word_embedding_dimension")
    return settings


def _max_tokens(first: dict[str, Any], config: dict[str, Any], tokenizer_config: dict[str, Any]) -> int:
    if first.get("max_seq_length"):
        return int(first["max_seq_length"])
    limits = [tokenizer_config.get("model_max_length"), config.get("max_position_embeddings")]
    known = [int(limit) for limit in limits if limit and 0 < limit < 1 << 24]
    return min(known, default=_LONGEST)


def _read(file: Path) -> dict[str, Any]:
    """A JSON object; empty where the file is missing. Raises ModelError where it is damaged."""
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"--embedder: {file} cannot be read ({error}): obtain the model anew") from error
    return value if isinstance(value, dict) else {}
