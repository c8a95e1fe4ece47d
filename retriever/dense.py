"""Dense search: LangChain's Chroma over the collection of one generation, embedded or on a server. Knows no words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import urlsplit

from langchain_core.embeddings import Embeddings

from core.errors import RetrievalError
from core.index import CorpusFiles, Generation

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from langchain_chroma import Chroma


@dataclass(frozen=True)
class DenseIndex:
    """An open collection; `store` is a LangChain vector store like any other."""

    store: "Chroma"
    client: "Client"

    def close(self) -> None:
        """Let go of the collection's files."""
        self.client.close()

    def search(self, vector: list[float], limit: int, where: dict[str, Any] | None = None) -> list[tuple[str, float]]:
        """Chunk ids with their cosine to `vector`, best first. Raises RetrievalError."""
        try:
            found = self.store.similarity_search_by_vector_with_relevance_scores(vector, k=limit, filter=where)
        except Exception as error:  # chromadb raises its own, its Rust core's and httpx's
            raise RetrievalError(
                f"Chroma cannot answer ({' '.join(str(error).split())[:150]}): run graft ingest, or restart the server"
            ) from error
        return [(document.id or "", 1.0 - distance) for document, distance in found]


def open_dense(files: CorpusFiles, generation: Generation, embeddings: Embeddings) -> DenseIndex:
    """Open the Chroma collection of `generation`. Raises RetrievalError."""
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma

    class NoDotEnv(Settings):
        # chromadb reads unprefixed names from ./.env, wherever it happens to be started.
        model_config: ClassVar = {**Settings.model_config, "env_file": None}

    settings = NoDotEnv(anonymized_telemetry=False)
    try:
        if generation.chroma_url is None:
            client = chromadb.PersistentClient(str(files.chroma(generation.name)), settings=settings)
        else:
            parts = urlsplit(generation.chroma_url)
            secure = parts.scheme == "https"
            port = parts.port or (443 if secure else 8000)
            client = chromadb.HttpClient(parts.hostname or generation.chroma_url, port, ssl=secure, settings=settings)
        # Looked up first: LangChain would create a missing collection, empty.
        client.get_collection(generation.collection, embedding_function=None)
        return DenseIndex(Chroma(generation.collection, embeddings, client=client), cast("Client", client))
    except Exception as error:  # chromadb raises its own, its Rust core's and httpx's
        where = generation.chroma_url or files.chroma(generation.name)
        raise RetrievalError(
            f"Chroma at {where} cannot be opened ({' '.join(str(error).split())[:150]}): "
            f"run graft ingest --domain {files.root.name} to rebuild it"
        ) from error
