"""Property tests of the gateway by its own OpenAPI description: no request, however odd, gives an unexpected 5xx."""

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from core.settings import ServeSettings
from serve.gateway import create_app
from tests.support.scripted_service import ScriptedService

pytestmark = pytest.mark.integration
# 502: a model that answers "Yes." to a request for JSON. 503: not ready. Both are said in OpenAI's shape.
EXPECTED = {502: "invalid_answer"}


class Yes(ScriptedService):
    """Its model answers "Yes. [1]" for ever."""

    def __init__(self) -> None:
        super().__init__()
        self._replies = iter(lambda: "Yes. [1]", None)


api = schemathesis.openapi.from_asgi("/openapi.json", create_app([Yes()], ServeSettings()))


MANY = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def check(case) -> int:
    response = case.call(headers={"Host": "127.0.0.1:7860"})
    if response.status_code >= 500:
        assert response.json()["error"]["code"] == EXPECTED.get(response.status_code), response.text
    elif response.status_code >= 400:
        assert set(response.json()) == {"error"}, response.text
    return response.status_code


@api.parametrize()
@MANY
def test_no_request_gives_an_unexpected_5xx(case):
    check(case)


def test_requests_that_get_through_give_no_unexpected_5xx_either():
    """The same requests, with a model that exists and a question: most others end at these two."""
    operation = api["/v1/chat/completions"]["POST"]
    seen = Counter()

    @given(case=operation.as_strategy())
    @MANY
    def ask(case):
        if isinstance(case.body, dict):
            messages = case.body.get("messages")
            earlier = messages if isinstance(messages, list) else []
            own = {
                "model": "garden",
                "messages": [*earlier, {"role": "user", "content": "Why?"}],
                "n": 1,
                "corpus": None,
            }
            case.body = case.body | own
        seen[check(case)] += 1

    ask()
    assert seen[200] > 5, seen


def test_the_description_holds_every_route():
    assert {operation.ok().path for operation in api.get_all_operations()} == {
        "/v1/models", "/v1/models/{name}", "/v1/chat/completions", "/health", "/ready", "/metrics",
    }  # fmt: skip
