"""The fingerprint of a reranker's folder: another one when its weights, configuration or tokenizer are others.

Training a reranker again replaces the folder under the same name, so the name alone says nothing.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from retriever.embedder_fingerprint import add_weights

_WEIGHTS = {".safetensors", ".bin"}
_SMALL = {".json", ".txt", ".model"}
_CARD = "graft-card.json"  # what training it took and brought; it changes no score

Stamps = tuple[tuple[str, int, int], ...]


def reranker_fingerprint(folder: Path) -> str:
    """32 hexadecimal digits; hashed once for as long as no file is written. Raises OSError."""
    stamps = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in _WEIGHTS | _SMALL and path.name != _CARD and path.is_file():
            stat = path.stat()
            stamps.append((str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns))
    return _hash(folder.resolve(), tuple(stamps))


@lru_cache(maxsize=4)
def _hash(folder: Path, stamps: Stamps) -> str:
    digest = hashlib.sha256()
    for name, size, _ in stamps:
        if Path(name).suffix in _WEIGHTS:
            digest.update(name.encode())
            add_weights(digest, folder / name)
        else:
            digest.update(f"{name} {size}".encode())
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:32]
