"""An embedder behind an OpenAI-compatible endpoint, as a LangChain Embeddings. Knows no index and no local model."""

import hashlib
import json
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from langchain_core.embeddings import Embeddings

from core.errors import ModelError

if TYPE_CHECKING:
    from langchain_openai import OpenAIEmbeddings


class RemoteEmbedder(Embeddings):
    """Asks `url` (such as http://host:8000/v1) for the vectors of `model`; vectors are brought to length 1.

    `fingerprint` names model, url and dimension: the first use of it asks the endpoint for one vector. Methods raise
    ModelError where the endpoint does not answer as it should.
    """

    def __init__(self, model: str, url: str, key: str | None, batch_size: int, timeout: float = 120.0) -> None:
        self._model, self._url, self._key = model, url.rstrip("/"), key
        self._batch_size, self._timeout = batch_size, timeout

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits."""
        dimension = len(self.embed_query("dimension"))
        said = json.dumps(["openai", self._model, self._url, dimension])
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, guessed rather too high: an endpoint does not tell its tokenizer."""
        # Words of English are 1.3 tokens; other scripts and code take about one for each three bytes.
        return len(text.encode()) // 3 + 1

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, guessed."""
        return [self.count_tokens(text) for text in texts]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of length 1, in the order of `texts`."""
        return self._embed(texts)

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question."""
        return self._embed([text])[0]

    @cached_property
    def _client(self) -> "OpenAIEmbeddings":
        from langchain_openai import OpenAIEmbeddings

        # Texts are sent as they are: token ids would be OpenAI's own, and counting them needs the network.
        return OpenAIEmbeddings(
            model=self._model,
            base_url=self._url,
            api_key=self._key or "unused",  # pyright: ignore[reportArgumentType]
            chunk_size=self._batch_size,
            timeout=self._timeout,
            check_embedding_ctx_length=False,
        )

    def _embed(self, texts: list[str]) -> list[list[float]]:
        if not texts:
            return []
        import openai

        try:
            vectors = self._client.embed_documents(texts)
        except openai.AuthenticationError as error:
            raise ModelError(f"{self._at} wants a key: set GRAFT_EMBEDDER_KEY") from error
        except openai.APIConnectionError as error:
            raise ModelError(f"{self._at} cannot be reached: start it, or check models.embedder_url") from error
        except openai.APIStatusError as error:
            reason = " ".join(error.message.split())[:200]
            raise ModelError(f"{self._at} refuses ({reason}): check models.embedder and models.embedder_url") from error
        except (openai.OpenAIError, ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{self._at} gives no embeddings ({error}): check models.embedder_url") from error
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) != 1:
            raise ModelError(f"{self._at} gave {len(vectors)} vectors for {len(texts)} texts: it is no embedder")
        return [self._normed(vector) for vector in vectors]

    def _normed(self, vector: list[float]) -> list[float]:
        length = math.sqrt(math.fsum(x * x for x in vector))
        if not 0 < length < math.inf:
            raise ModelError(f"{self._at} gave a vector without length: its model is broken")
        return [x / length for x in vector]

    @property
    def _at(self) -> str:
        return f"the embedder '{self._model}' at {self._url}"
