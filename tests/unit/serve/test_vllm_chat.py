"""The chat model over vLLM's event stream: what it sends, what it reads, and what it says when vLLM refuses."""

import asyncio
import json

import httpx
import pytest

from core.errors import ModelDownError, RequestError, ServeError
from serve.vllm_chat import VllmChat

EVENTS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "In "}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "May."}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}},
]


def ask(answer, **options):
    """What the model gives for what a server answers, and the body that the server got."""
    asked: list[dict] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return answer(request)

    async def go():
        async with httpx.AsyncClient(transport=httpx.MockTransport(serve), base_url="http://vllm") as client:
            model = VllmChat(model="base", client=client, temperature=0.5)
            return [chunk async for chunk in model.astream([("system", "Be brief."), ("user", "When?")], **options)]

    return asyncio.run(go()), asked


def stream(events=EVENTS):
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return lambda request: httpx.Response(200, text=text)


def test_text_counts_and_reason_are_read():
    chunks, _ = ask(stream())
    assert [chunk.text for chunk in chunks if chunk.text] == ["In ", "May."]
    whole = sum(chunks[1:], chunks[0])
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.usage_metadata == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}


def test_options_of_the_call_are_sent():
    _, (body,) = ask(stream(), max_tokens=9, temperature=0.6, extra_body={"structured_outputs": {"regex": "a"}})
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("base", 9, 0.6)
    assert body["structured_outputs"] == {"regex": "a"}
    assert body["stream_options"] == {"include_usage": True}
    assert ask(stream())[1][0]["temperature"] == 0.5


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RequestError), (404, ServeError), (500, ModelDownError), (503, ModelDownError)]
)
def test_refusals_become_errors_with_vllms_reason(status, kind):
    with pytest.raises(kind, match="too long"):
        ask(lambda request: httpx.Response(status, json={"error": {"message": "It is\ntoo long."}}))
    with pytest.raises(kind, match="plain"):
        ask(lambda request: httpx.Response(status, text="plain"))


def test_error_in_the_stream_is_raised():
    with pytest.raises(ModelDownError, match="engine died"):
        ask(stream([*EVENTS[:2], {"error": {"message": "the engine died"}}]))
