"""Dense search: the Chroma collection of one generation, embedded or on a server. Knows no words."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import urlsplit

from langchain_core.embeddings import Embeddings

from core.errors import RetrievalError
from core.index import CorpusFiles, Generation

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client
    from langchain_chroma import Chroma


@dataclass(frozen=True)
class DenseIndex:
    """An open collection."""

    collection: "Collection"
    client: "Client"

    def store(self, embeddings: Embeddings) -> "Chroma":
        """The same collection as a LangChain vector store, for chains that want one. Read it only."""
        from langchain_chroma import Chroma

        return Chroma(self.collection.name, embeddings, client=self.client)

    def close(self) -> None:
        """Let go of the collection's files."""
        self.client.close()

    def search(self, vectors: list[list[float]], limit: int) -> list[list[tuple[str, float]]]:
        """For each vector, chunk ids with their cosine to it, best first. Raises RetrievalError."""
        try:
            found = self.collection.query(
                query_embeddings=cast("list", vectors), n_results=limit, include=["distances"]
            )
        except Exception as error:  # chromadb raises its own, its Rust core's and httpx's
            raise RetrievalError(
                f"Chroma cannot answer ({' '.join(str(error).split())[:150]}): run graft index verify"
            ) from error
        distances = found["distances"] or []
        return [
            [(identity, 1.0 - float(distance)) for identity, distance in zip(*hits, strict=True)]
            for hits in zip(found["ids"], distances, strict=True)
        ]


def open_dense(files: CorpusFiles, generation: Generation) -> DenseIndex:
    """Open the Chroma collection of `generation`. Raises RetrievalError."""
    import chromadb

    settings = _chroma_settings()
    try:
        if generation.chroma_url is None:
            client = chromadb.PersistentClient(str(files.chroma(generation.name)), settings=settings)
        else:
            parts = urlsplit(generation.chroma_url)
            secure = parts.scheme == "https"
            port = parts.port or (443 if secure else 8000)
            client = chromadb.HttpClient(parts.hostname or generation.chroma_url, port, ssl=secure, settings=settings)
        collection = client.get_collection(generation.collection, embedding_function=None)
        return DenseIndex(collection, cast("Client", client))
    except Exception as error:  # chromadb raises its own, its Rust core's and httpx's
        where = generation.chroma_url or files.chroma(generation.name)
        start = " or start the server" if generation.chroma_url else ""
        raise RetrievalError(
            f"Chroma at {where} cannot be opened ({' '.join(str(error).split())[:150]}): "
            f"run graft index repair --domain {files.root.name}{start}"
        ) from error


@cache
def _chroma_settings() -> Any:
    """One object for all: Chroma refuses to open a folder twice in one process with settings that differ."""
    from chromadb.config import Settings

    class NoDotEnv(Settings):
        # chromadb reads unprefixed names from ./.env, wherever it happens to be started.
        model_config: ClassVar = {**Settings.model_config, "env_file": None}

    return NoDotEnv(anonymized_telemetry=False)
