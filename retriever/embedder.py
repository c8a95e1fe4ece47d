"""The embedder: text to vectors with a sentence-transformers model, as a LangChain Embeddings. Knows no index.

Batches are cut by tokens and sorted by length, so that little of a batch is padding; on a CPU with bf16 instructions
the weights are bf16 (cosine to fp32 above 0.9999 for MiniLM, four times the speed); vectors are float32 of length 1.
"""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from core.errors import ModelError

# Tokens per forward pass: measured optimum on 2 cores; a GPU wants far more.
_CPU_TOKENS = 2048
_GPU_TOKENS = 65536
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")


class LocalEmbedder(Embeddings):
    """A loaded sentence-transformers model.

    `fingerprint` names weights and pooling: vectors of equal fingerprints may be compared. `max_tokens` is what the
    model reads of a text; the rest is cut off.
    """

    def __init__(self, model: Any, fingerprint: str, batch_size: int) -> None:
        self._model = model
        self._tokenizer = model.tokenizer
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self.fingerprint = fingerprint
        self.max_tokens: int = int(model.max_seq_length or 512)
        self.dimension: int = int(model.get_embedding_dimension() or 0)
        prompts = model.prompts or {}
        self._query_prompt: str = prompts.get("query") or ""
        self._document_prompt: str = prompts.get("document") or prompts.get("passage") or ""

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as this model counts them, without the special ones."""
        return self.count_many([text])[0]

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, counted together."""
        if not texts:
            return []
        # `verbose` off: texts longer than the model are counted on purpose.
        encoded = self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of length 1, in the order of `texts`."""
        return self._embed([self._document_prompt + text for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question."""
        return self._embed([self._query_prompt + text])[0]

    def _embed(self, texts: list[str]) -> list[list[float]]:
        import torch

        if not texts:
            return []
        encoded = self._tokenizer(texts, truncation=True, max_length=self.max_tokens, verbose=False)
        lengths = [len(ids) for ids in encoded["input_ids"]]
        order = sorted(range(len(texts)), key=lambda index: -lengths[index])
        budget = _CPU_TOKENS if self._model.device.type == "cpu" else _GPU_TOKENS
        vectors: list[list[float]] = [[] for _ in texts]
        with self._lock, torch.inference_mode():
            at = 0
            while at < len(order):
                size = min(self._batch_size, max(1, budget // lengths[order[at]]))
                batch = order[at : at + size]
                at += size
                features = self._tokenizer.pad(
                    {key: [encoded[key][index] for index in batch] for key in encoded}, return_tensors="pt"
                )
                features = {key: value.to(self._model.device) for key, value in features.items()}
                output = self._model(features)["sentence_embedding"].float()
                for index, vector in zip(batch, torch.nn.functional.normalize(output, dim=1).tolist(), strict=True):
                    vectors[index] = vector
        return vectors


def load_embedder(model: str | Path, batch_size: int = 64) -> LocalEmbedder:
    """Load a sentence-transformers folder or Hugging Face id. Raises ModelError."""
    import torch

    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        loaded = SentenceTransformer(
            str(model), device=device, model_kwargs={"dtype": _dtype(device)}, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"embedder '{model}' cannot be loaded ({reason}): give a sentence-transformers folder or Hugging Face id "
            "with --embedder, or 'packaged'"
        ) from error
    loaded.eval()
    return LocalEmbedder(loaded, _fingerprint(loaded, str(model)), batch_size)


def _dtype(device: str) -> Any:
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if supported else torch.float32


def _fingerprint(loaded: Any, name: str) -> str:
    """Hash of the weights (sampled: large files need not be read whole), pooling and length."""
    digest = hashlib.sha256()
    digest.update(f"{[type(module).__name__ for module in loaded]} {loaded.max_seq_length}".encode())
    digest.update(repr(sorted((loaded.prompts or {}).items())).encode())
    for module in loaded:
        config = getattr(module, "get_config_dict", dict)()
        digest.update(repr(sorted((key, str(value)) for key, value in config.items())).encode())
    folder = _weights_folder(loaded, name)
    files = [folder / file for file in _WEIGHTS if (folder / file).is_file()] if folder else []
    for file in files[:1]:
        size = file.stat().st_size
        digest.update(str(size).encode())
        with file.open("rb") as weights:
            for part in range(32):
                weights.seek(part * size // 32)
                digest.update(weights.read(1 << 16))
    if not files:
        digest.update(name.encode())
    return digest.hexdigest()[:32]


def _weights_folder(loaded: Any, name: str) -> Path | None:
    if Path(name).is_dir():
        root = Path(name)
        return next(
            (path for path in (root, root / "0_Transformer") if any((path / f).is_file() for f in _WEIGHTS)), None
        )
    resolved = getattr(getattr(loaded[0], "auto_model", None), "name_or_path", "")
    if resolved and Path(resolved).is_dir():
        return Path(resolved)
    from huggingface_hub import try_to_load_from_cache

    for file in _WEIGHTS:
        cached = try_to_load_from_cache(resolved or name, file)
        if isinstance(cached, str):
            return Path(cached).parent
    return None
