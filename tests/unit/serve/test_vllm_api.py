"""What a vLLM serves, and addresses at which something else answers."""

import httpx
import pytest

from core.errors import ServeError
from serve.vllm_api import VllmApi


class Elsewhere(VllmApi):
    """Answers every request with `answer`."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__("the vLLM at http://x", "http://x")
        self.answer = answer

    def client(self, timeout: float = 30.0) -> httpx.Client:
        return httpx.Client(base_url=self.root_url, transport=httpx.MockTransport(lambda request: self.answer))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Welcome</html>"),
        httpx.Response(200, text="not json", headers={"Content-Type": "application/json"}),
        httpx.Response(200, json={"models": []}),
        httpx.Response(200, json={"data": None}),
        httpx.Response(200, json={"data": ["name"]}),
        httpx.Response(200, json={"data": [{"name": "x"}]}),
        httpx.Response(200, json=["x"]),
        httpx.Response(200, json=None),
    ],
)
def test_a_server_that_is_no_vllm_is_named(answer):
    with pytest.raises(ServeError, match="the vLLM at http://x does not answer as a vLLM does"):
        Elsewhere(answer).models()


def test_models_are_listed():
    assert Elsewhere(httpx.Response(200, json={"data": [{"id": "base"}, {"id": "garden@1"}]})).models() == [
        "base",
        "garden@1",
    ]
