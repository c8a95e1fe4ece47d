"""The embedder behind an OpenAI-compatible endpoint, against a small one on this machine."""

import base64
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from core.errors import ModelError, SettingsError
from core.settings import Settings
from graft.build import load_embeddings
from graft.models import prepare_embedder
from retriever.remote_embedder import RemoteEmbedder

pytestmark = pytest.mark.integration


class Endpoint:
    """Answers /v1/embeddings: a vector of the text's length and its first letter, twice as long as it should be."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.keys: list[str | None] = []
        self.status = 200
        self.dimension = 3
        self.lost = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append({"path": self.path, **body})
                outer.keys.append(self.headers.get("Authorization"))
                answer = json.dumps(outer.answer(body)).encode()
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, body: dict) -> dict:
        if self.status != 200:
            return {"error": {"message": "not today,\nplease", "type": "x"}}
        texts = body["input"][: len(body["input"]) - self.lost]
        vectors = [self.vector(text) for text in texts]
        if body.get("encoding_format") == "base64":
            vectors = [base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode() for v in vectors]
        data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    def vector(self, text: str) -> list[float]:
        start = [2.0 * len(text), 2.0 * ord(text[0]) if text else 2.0]
        return [*start, *[0.0] * (self.dimension - 2)] if text != "zero" else [0.0] * self.dimension

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    running = Endpoint()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _quick_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GRAFT_EMBEDDER_KEY"):
        monkeypatch.delenv(name, raising=False)


def embedder(endpoint: Endpoint, model: str = "m", key: str | None = None) -> RemoteEmbedder:
    return RemoteEmbedder(model, endpoint.url, key, batch_size=2)


def test_vectors_in_order_and_of_length_one(endpoint):
    found = embedder(endpoint).embed_documents(["abc", "b", "水"])
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert found[0][0] / found[0][1] == pytest.approx(3 / ord("a"))
    assert [len(request["input"]) for request in endpoint.requests] == [2, 1]
    assert {(r["path"], r["model"]) for r in endpoint.requests} == {("/v1/embeddings", "m")}
    assert embedder(endpoint).embed_query("abc") == pytest.approx(found[0])
    assert embedder(endpoint).embed_documents([]) == []


def test_fingerprint_names_model_url_and_dimension(endpoint):
    first = embedder(endpoint).fingerprint
    assert len(first) == 32
    assert embedder(endpoint).fingerprint == first
    assert RemoteEmbedder("m", endpoint.url + "/", None, 8).fingerprint == first
    assert embedder(endpoint, "other").fingerprint != first
    endpoint.dimension = 4
    assert embedder(endpoint).fingerprint != first


def test_counts_without_asking(endpoint):
    counts = embedder(endpoint).count_many(["", "three plain words", "水泵坏了"])
    assert counts == [1, 6, 5]
    assert endpoint.requests == []


def test_key_comes_from_the_environment(endpoint, monkeypatch):
    monkeypatch.setenv("GRAFT_EMBEDDER_KEY", "secret-1")
    settings = Settings.model_validate({"models": {"embedder": "openai:m", "embedder_url": endpoint.url}})
    prepared = prepare_embedder(settings.models, lambda text: None)
    assert prepared == "openai:m"
    assert len(load_embeddings(settings, prepared).embed_query("abc")) == 3
    assert endpoint.keys == ["Bearer secret-1"]


def test_a_url_is_needed():
    settings = Settings.model_validate({"models": {"embedder": "openai:m"}})
    with pytest.raises(SettingsError, match=r"set models\.embedder_url"):
        load_embeddings(settings, "openai:m")


@pytest.mark.parametrize(
    ("status", "message"), [(401, "set GRAFT_EMBEDDER_KEY"), (404, r"refuses \(.*not today, please.*check models")]
)
def test_refusals_say_what_to_do(endpoint, status, message):
    endpoint.status = status
    with pytest.raises(ModelError, match=message) as caught:
        embedder(endpoint).embed_query("abc")
    assert "\n" not in str(caught.value)


def test_an_endpoint_that_is_not_there(endpoint):
    endpoint.stop()
    with pytest.raises(ModelError, match="cannot be reached"):
        _ = embedder(endpoint).fingerprint


@pytest.mark.parametrize(("lost", "text", "message"), [(1, "abc", "vectors for"), (0, "zero", "without length")])
def test_answers_that_are_no_embeddings(endpoint, lost, text, message):
    endpoint.lost = lost
    with pytest.raises(ModelError, match=message):
        embedder(endpoint).embed_documents([text, "b"])
