"""The control API, and what travels over it: every event and every error arrives as what it was."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from core import errors
from core.arms import ARMS
from core.chat import Delta, Done, Found, Question, Searching
from core.errors import AdapterError, GraftError, IngestError, OverloadedError, RequestError, ServeError
from core.service import CorpusInfo
from core.types import Answer, Citation, Passage
from serve.control import create_control_app
from serve.events import decode_error, decode_event, encode_error, encode_event
from serve.http_errors import InvalidAnswerError
from serve.remote import RemoteService
from tests.support.scripted_service import ADAPTER, ScriptedService

QUESTION = Question(text="When do I prune quince?", arm=ARMS["rag"], history=("Hello?",))


def call(service: ScriptedService, method: str, path: str, **options) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(create_control_app(service), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://graft") as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def lines(response: httpx.Response) -> list[dict]:
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.mark.parametrize(
    "event",
    [
        Searching(),
        Found([Passage(number=1, source="a.md", locator="A", text="T\u2028\n", score=0.5)], 0.25),
        Delta("[1] \u2028 é"),
        Done(
            Answer(
                text="a: 1",
                answer={"a": 1},
                format="yaml",
                schema="care",
                citations=[Citation(number=1, source="a.md", locator="A", quote="T")],
                seconds=1.5,
                raw="{}",
            )
        ),
    ],
)
def test_event_arrives_as_it_left(event):
    assert decode_event(json.loads(json.dumps(encode_event(event)))) == event


@pytest.mark.parametrize(
    "kind",
    [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, GraftError)],
    ids=lambda kind: kind.__name__,
)
def test_error_arrives_as_its_own_class(kind):
    arrived = decode_error(json.loads(json.dumps(encode_error(kind("do this"))))["error"])
    assert type(arrived) is kind
    assert str(arrived) == "do this"


def test_overload_keeps_its_delay_and_strangers_become_serve_errors():
    overload = decode_error(encode_error(OverloadedError("busy", 17))["error"])
    assert isinstance(overload, OverloadedError)
    assert overload.retry_after == 17
    assert type(decode_error(encode_error(InvalidAnswerError("bad"))["error"])) is ServeError
    unknown = decode_error(encode_error(ValueError("secret"))["error"])
    assert type(unknown) is ServeError
    assert "secret" not in str(unknown)
    assert type(decode_error({"type": "Path", "message": "x"})) is ServeError


def test_error_line_is_raised_by_the_reader():
    with pytest.raises(RequestError, match="no such arm"):
        decode_event(encode_error(RequestError("no such arm")))


def test_answer_is_whole_and_history_arrives():
    body = {"question": QUESTION.model_dump(mode="json")}
    answer = Answer.model_validate(call(ScriptedService("In February. [1]"), "POST", "/answer", json=body).json())
    assert answer.text == "In February. [1]"
    assert answer.citations[0].source == "shrubs/quince.md"
    assert [passage.number for passage in answer.passages] == [1, 2]
    assert answer.arm == "rag"


def test_stream_is_one_event_per_line():
    body = {"question": QUESTION.model_dump(mode="json")}
    events = [decode_event(line) for line in lines(call(ScriptedService("In February."), "POST", "/stream", json=body))]
    assert [type(event) for event in events[:2]] == [Searching, Found]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "In February."
    assert isinstance(events[-1], Done)


def test_refused_question_is_an_error_of_the_same_class():
    body = {"question": QUESTION.model_dump(mode="json"), "corpus": "elsewhere"}
    response = call(ScriptedService(), "POST", "/stream", json=body)
    assert response.status_code == 400
    assert isinstance(decode_error(response.json()["error"]), RequestError)


def test_unreadable_question_is_a_request_error():
    response = call(ScriptedService(), "POST", "/answer", json={"question": {"text": "?"}})
    assert response.status_code == 400
    assert "arm" in response.json()["error"]["message"]


def test_search_adapters_corpora_status():
    service = ScriptedService()
    hits = call(service, "POST", "/search", json={"text": "quince", "k": 1}).json()
    assert [Passage.model_validate(hit).source for hit in hits] == ["shrubs/quince.md"]
    assert call(service, "GET", "/adapters").json()[0]["name"] == ADAPTER
    found = [CorpusInfo.model_validate(item) for item in call(service, "GET", "/corpora").json()]
    assert found == [CorpusInfo(name="garden", chunks=12, documents=11)]
    assert call(service, "GET", "/status").json()["model"]["state"] == "ready"


def test_what_determines_answers_is_told_by_whoever_answers(monkeypatch):
    service = ScriptedService()
    service.print = "tuned anew"
    remote = RemoteService(Path("control.sock"), service.pack)
    transport = httpx.ASGITransport(create_control_app(service))
    monkeypatch.setattr(remote, "_client", lambda: httpx.AsyncClient(transport=transport, base_url="http://graft"))
    assert asyncio.run(remote.fingerprint()) == "tuned anew"


def test_activate_names_the_adapter_or_fails_as_the_service_does():
    service = ScriptedService()
    service.state.adapter = None
    assert call(service, "POST", "/activate", json={"adapter": ADAPTER}).status_code == 200
    assert service.state.adapter == ADAPTER
    error = call(service, "POST", "/activate", json={"adapter": "garden@0"}).json()["error"]
    assert isinstance(decode_error(error), AdapterError)


def test_ingest_tells_progress_then_its_receipt():
    service = ScriptedService()
    found = lines(call(service, "POST", "/ingest", json={}))
    assert found == [{"progress": {"stage": "embedding", "share": 0.5}}, {"result": {"indexed": 1, "chunks": 2}}]
    assert service.ingested_with == {"reembed": False, "allow_mass_deletion": False}
    call(service, "POST", "/ingest", json={"allow_mass_deletion": True})
    assert service.ingested_with == {"reembed": False, "allow_mass_deletion": True}


def test_failed_ingest_ends_with_the_error():
    service = ScriptedService()
    service.ingest_error = IngestError("a.pdf cannot be read: remove it")
    found = lines(call(service, "POST", "/ingest", json={}))
    assert found[-1]["error"] == {"type": "IngestError", "message": "a.pdf cannot be read: remove it"}
