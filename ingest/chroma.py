"""Opening Chroma: embedded in a folder, or a server by URL. No telemetry, no `.env`, no default embedding function."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from core.errors import IngestError

if TYPE_CHECKING:
    from chromadb.api.client import Client

# Small neighbour lists suffice at 10^5 chunks; vectors have length 1, so the inner product is the cosine.
HNSW: dict[str, Any] = {
    "space": "ip",
    "ef_construction": 128,
    "max_neighbors": 24,
    "ef_search": 128,
    "batch_size": 1000,
    "sync_threshold": 2000,
}


def open_chroma(folder: Path, url: str | None) -> "Client":
    """A client for the embedded Chroma in `folder`, or for the server at `url`. Raises IngestError."""
    import chromadb
    from chromadb.config import Settings

    class NoDotEnv(Settings):
        # chromadb reads unprefixed names from ./.env, wherever it happens to be started.
        model_config: ClassVar = {**Settings.model_config, "env_file": None}

    settings = NoDotEnv(anonymized_telemetry=False)
    try:
        if url is None:
            folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(str(folder), settings=settings)  # type: ignore[return-value]
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 8000)
        return chromadb.HttpClient(parts.hostname or url, port, ssl=secure, settings=settings)  # type: ignore[return-value]
    except Exception as error:  # chromadb raises its own, httpx's and ValueError
        where = url or str(folder)
        remedy = "start it (chroma run) or unset retrieve.chroma_url" if url else "delete it and ingest again"
        raise IngestError(
            f"Chroma at {where} cannot be opened ({' '.join(str(error).split())[:150]}): {remedy}"
        ) from error
