"""The chat model over vLLM's event stream: what it sends, what it reads, and what it says when vLLM refuses."""

import asyncio
import json

import aiohttp
import pytest

from core.errors import ModelDownError, RequestError, ServeError, TooSlowError
from serve.vllm_chat import VllmChat

EVENTS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "In "}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "May."}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}},
]


class Answer:
    """What a server answers: aiohttp's response, as far as it is read. `pieces` arrive one by one."""

    def __init__(self, *pieces: bytes, status: int = 200, fails: Exception | None = None) -> None:
        self.pieces, self.status, self.fails = pieces, status, fails
        self.ok = status < 400
        self.content = self
        self.left = False

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.left = True

    async def text(self, errors: str) -> str:
        return b"".join(self.pieces).decode()

    async def iter_any(self):
        for piece in self.pieces:
            yield piece
        if self.fails:
            raise self.fails


class Session:
    """Answers `answer` to everything, and keeps what it was asked. Hangs up so many times first."""

    def __init__(self, answer: Answer, hangs_up: int) -> None:
        self.answer, self.hangs_up = answer, hangs_up
        self.asked: list[tuple[str, dict]] = []

    async def post(self, url: str, json: dict) -> Answer:
        self.asked.append((url, json))
        if len(self.asked) <= self.hangs_up:
            raise aiohttp.ServerDisconnectedError
        return self.answer


def ask(answer: Answer, tokens_at_once: int = 1, hangs_up: int = 0, **options):
    """What the model gives for what a server answers, and the body that the server got."""
    session = Session(answer, hangs_up)

    async def connect() -> Session:
        return session

    async def go():
        model = VllmChat(
            model="base", url="http://vllm", session=connect, temperature=0.5, tokens_at_once=tokens_at_once
        )
        return [chunk async for chunk in model.astream([("system", "Be brief."), ("user", "When?")], **options)]

    try:
        return asyncio.run(go()), session.asked[0][1]
    finally:
        assert answer.left or hangs_up > 1
        assert session.asked[0][0] == "http://vllm/v1/chat/completions"


def stream(events=EVENTS) -> Answer:
    pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    return Answer(*pieces, b"data: [DONE]\n\n")


def test_text_counts_and_reason_are_read():
    chunks, _ = ask(stream())
    assert [chunk.text for chunk in chunks if chunk.text] == ["In ", "May."]
    whole = sum(chunks[1:], chunks[0])
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.usage_metadata == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}


def test_options_of_the_call_are_sent():
    _, body = ask(stream(), max_tokens=9, temperature=0.6, extra_body={"structured_outputs": {"regex": "a"}})
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("base", 9, 0.6)
    assert body["structured_outputs"] == {"regex": "a"}
    assert body["stream_options"] == {"include_usage": True}
    assert ask(stream())[1]["temperature"] == 0.5


def test_pieces_of_several_tokens_are_asked_for_where_nobody_reads_along():
    assert ask(stream(), tokens_at_once=16)[1]["stream_interval"] == 16
    assert "stream_interval" not in ask(stream())[1]


def test_events_are_read_wherever_the_network_cuts_them():
    whole = b"".join(stream().pieces)
    for size in (1, 50, len(whole)):
        pieces = [whole[n : n + size] for n in range(0, len(whole), size)]
        chunks, _ = ask(Answer(*pieces))
        assert "".join(chunk.text for chunk in chunks) == "In May."
        assert sum(chunks[1:], chunks[0]).usage_metadata["total_tokens"] == 9


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RequestError), (404, ServeError), (500, ModelDownError), (503, ModelDownError)]
)
def test_refusals_become_errors_with_vllms_reason(status, kind):
    with pytest.raises(kind, match="too long"):
        ask(Answer(b'{"error": {"message": "It is\\ntoo long."}}', status=status))
    with pytest.raises(kind, match="plain"):
        ask(Answer(b"plain", status=status))


def test_error_in_the_stream_is_raised():
    with pytest.raises(ModelDownError, match="engine died"):
        ask(stream([*EVENTS[:2], {"error": {"message": "the engine died"}}]))


def test_a_connection_that_was_hung_up_meanwhile_is_made_anew_once():
    chunks, _ = ask(stream(), hangs_up=1)
    assert "".join(chunk.text for chunk in chunks) == "In May."
    with pytest.raises(ModelDownError, match="cannot be reached"):
        ask(stream(), hangs_up=2)


@pytest.mark.parametrize(
    ("fails", "kind", "says"),
    [
        (aiohttp.ServerDisconnectedError(), ModelDownError, "cannot be reached"),
        (aiohttp.ClientPayloadError(), ModelDownError, "cannot be reached"),
        (aiohttp.ConnectionTimeoutError(), ModelDownError, "cannot be reached"),
        (aiohttp.SocketTimeoutError(), TooSlowError, "too long to answer"),
    ],
)
def test_a_server_that_goes_away_is_down_and_one_that_falls_silent_is_slow(fails, kind, says):
    with pytest.raises(kind, match=says):
        ask(Answer(*stream().pieces[:2], fails=fails))
