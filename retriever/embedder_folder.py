"""What the folder of a sentence-transformers model says, without loading it: tokenizer, length, prompts, fingerprint.

Imports no torch, so that an ingestion with nothing to embed does not pay for it.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
_LONGEST = 512
_SAMPLES = 32


@dataclass(frozen=True)
class EmbedderFolder:
    """The folder at `root`. Raises ModelError when it holds no sentence-transformers model with a fast tokenizer."""

    root: Path
    _cache: dict[Path, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        missing = [name for name in ("config.json", "tokenizer.json") if not (self.transformer / name).is_file()]
        if missing or self.weights is None:
            raise ModelError(
                f"embedder '{self.root}' cannot be loaded (no {' or '.join(missing) or 'weights'} in it): give a "
                "sentence-transformers folder or Hugging Face id with --embedder, or 'packaged'"
            )

    @cached_property
    def modules(self) -> list[str]:
        """Class names of the model's parts, in order (`Transformer`, `Pooling`, `Normalize`)."""
        return [module["type"].rpartition(".")[2] for module in self._modules]

    @cached_property
    def _modules(self) -> list[dict[str, Any]]:
        found = self._read(self.root / "modules.json")
        return found if isinstance(found, list) else [{"type": "Transformer", "path": ""}, {"type": "Pooling"}]

    @property
    def transformer(self) -> Path:
        """The folder of the transformer itself."""
        first = self.root / self._modules[0].get("path", "")
        return first if first.is_dir() else self.root

    @property
    def config(self) -> dict[str, Any]:
        """The transformer's configuration."""
        return self._read(self.transformer / "config.json")

    @property
    def pooling(self) -> dict[str, Any]:
        """The pooling's configuration; empty means the mean of all tokens."""
        places = [module.get("path", "") for module in self._modules if module["type"].endswith("Pooling")]
        return self._read(self.root / places[0] / "config.json") if places and places[0] else {}

    @property
    def prompts(self) -> dict[str, str]:
        """What is put before a text, by its kind (`query`, `document`)."""
        prompts = self._read(self.root / "config_sentence_transformers.json").get("prompts") or {}
        return {name: text for name, text in prompts.items() if text}

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text the model reads, special ones included."""
        own = self._read(self.transformer / "sentence_bert_config.json").get("max_seq_length")
        known = (own, self.config.get("max_position_embeddings"), _LONGEST)
        return int(next(value for value in known if value))

    @property
    def lower_case(self) -> bool:
        """Whether texts are lower-cased before the tokenizer sees them."""
        return bool(self._read(self.transformer / "sentence_bert_config.json").get("do_lower_case"))

    @property
    def dimension(self) -> int:
        """Length of the transformer's vectors."""
        return int(self.config.get("hidden_size") or 0)

    @property
    def weights(self) -> Path | None:
        """The file of the weights."""
        return next((self.transformer / name for name in _WEIGHTS if (self.transformer / name).is_file()), None)

    def tokenizer(self, *, truncated: bool) -> "Tokenizer":
        """A new tokenizer without padding; `truncated` to what the model reads. Raises ModelError."""
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(self.transformer / "tokenizer.json"))
        except Exception as error:  # tokenizers raises bare Exception
            raise ModelError(f"{self.transformer}/tokenizer.json cannot be read: {error}") from error
        tokenizer.no_padding()
        if truncated:
            tokenizer.enable_truncation(self.max_tokens)
        else:
            tokenizer.no_truncation()
        return tokenizer

    def fingerprint(self) -> str:
        """Hash of weights (sampled: large files need not be read whole), parts, pooling, prompts and length.

        Vectors of equal fingerprints may be compared, whatever computed them.
        """
        digest = hashlib.sha256()
        said = [
            self.modules,
            self.pooling,
            sorted(self.prompts.items()),
            self.max_tokens,
            self.lower_case,
            self.dimension,
        ]
        digest.update(json.dumps(said, sort_keys=True).encode())
        weights = self.weights
        assert weights is not None
        size = weights.stat().st_size
        digest.update(str(size).encode())
        with weights.open("rb") as file:
            for part in range(_SAMPLES):
                file.seek(part * size // _SAMPLES)
                digest.update(file.read(1 << 16))
        return digest.hexdigest()[:32]

    def _read(self, path: Path) -> Any:
        if path not in self._cache:
            try:
                self._cache[path] = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                self._cache[path] = {}
            except (OSError, ValueError) as error:
                raise ModelError(f"{path} cannot be read ({error}): give another folder with --embedder") from error
        return self._cache[path]
