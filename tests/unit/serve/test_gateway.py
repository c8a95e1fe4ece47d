"""The endpoint over the real chat pipeline with a scripted model: answers, streams, citations, refusals, errors."""

import asyncio
import json

import httpx
import pytest

from core.errors import ServeError
from core.service import PartStatus
from core.settings import ServeSettings
from serve.gateway import create_app
from tests.support.scripted_service import ADAPTER, ScriptedService

QUESTION = [{"role": "user", "content": "When do I prune quince?"}]
ENVELOPE = '{"citations": [1], "answer": {"plant": "quince", "prune": "February", "sun": "full"}}'
CARE = {"plant": "quince", "prune": "February", "sun": "full"}


def ask(service: ScriptedService, settings: ServeSettings | None = None, **body) -> httpx.Response:
    return send(
        service, "POST", "/v1/chat/completions", settings, json={"model": "garden", "messages": QUESTION, **body}
    )


def send(service: ScriptedService, method: str, path: str, settings=None, **options) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(create_app([service], settings or ServeSettings()), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860") as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def events(response: httpx.Response) -> list[dict]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def error(response: httpx.Response) -> dict:
    body = response.json()
    assert set(body) == {"error"}
    return body["error"]


# --- whole answers ---


def test_answer_carries_marks_annotations_and_citations():
    service = ScriptedService("In February. [1]")
    response = ask(service)
    assert response.status_code == 200
    body = response.json()
    message = body["choices"][0]["message"]
    assert message["content"] == "In February. [1]"
    assert message["citations"] == body["citations"]
    assert body["citations"] == [
        {
            "number": 1,
            "source": "shrubs/quince.md",
            "locator": "Quince > Pruning",
            "quote": "Prune quince in February.",
        }
    ]
    note = message["annotations"][0]["url_citation"]
    assert message["content"][note["start_index"] : note["end_index"]] == "[1]"
    assert note["url"] == "graft://garden/shrubs/quince.md#Quince%20%3E%20Pruning"
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"] == {"prompt_tokens": 40, "completion_tokens": 8, "total_tokens": 48}
    assert body["model"] == "garden"
    assert body["graft"]["arm"] == "hybrid"
    assert body["graft"]["model"] == ADAPTER


def test_mark_without_a_passage_is_no_annotation():
    message = ask(ScriptedService("Perhaps. [7]")).json()["choices"][0]["message"]
    assert (message["annotations"], message["citations"]) == ([], [])


def test_answer_cut_at_the_limit_says_length():
    service = ScriptedService("In Feb")
    service.script.finish_reason = "length"
    assert ask(service).json()["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("model", "served", "has_passages"),
    [
        ("garden", ADAPTER, True),
        ("garden:hybrid", ADAPTER, True),
        ("garden:rag", "base-model", True),
        ("garden:base", "base-model", False),
        ("garden:lora", ADAPTER, False),
        (ADAPTER, ADAPTER, True),
    ],
)
def test_model_name_picks_arm_and_adapter(model, served, has_passages):
    service = ScriptedService("Yes.")
    assert ask(service, model=model).json()["model"] == model
    assert service.script.models == [served]
    assert ("Passages:" in service.script.prompts[0][-1].content) is has_passages


def test_domain_without_an_adapter_answers_as_rag():
    service = ScriptedService("Yes.", adapter=None)
    assert ask(service).json()["graft"]["arm"] == "rag"


@pytest.mark.parametrize("stream", [False, True])
def test_history_makes_the_question_standalone_and_system_message_is_left_out(stream):
    service = ScriptedService("Full sun. [1]")
    messages = [
        {"role": "system", "content": "Be a pirate."},
        {"role": "user", "content": "When do I prune quince?"},
        {"role": "assistant", "content": "In February."},
        {"role": "user", "content": [{"type": "text", "text": "And how much sun does it want?"}]},
    ]
    response = ask(service, messages=messages, stream=stream)
    assert response.headers["X-Graft-System-Message"] == "ignored"
    system, user = service.script.prompts[0]
    assert "pirate" not in system.content
    assert user.content.endswith("Question: When do I prune quince? And how much sun does it want?")


def test_without_a_system_message_the_header_is_absent():
    assert "X-Graft-System-Message" not in ask(ScriptedService("Yes.")).headers


def test_options_without_effect_are_named_in_a_header():
    response = ask(ScriptedService("Yes."), temperature=0.7, top_p=1, user="me")
    assert response.headers["X-Graft-Ignored"] == "temperature, top_p"


@pytest.mark.parametrize("key", ["max_tokens", "max_completion_tokens"])
def test_token_limit_is_passed_on_but_leaves_room_for_the_prompt(key):
    service = ScriptedService("Yes.", "Yes.")
    ask(service, **{key: 7})
    ask(service, ServeSettings(max_model_len=1000), **{key: 10**9})
    assert [options["max_tokens"] for options in service.script.options] == [7, 500]


# --- structured answers ---


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "json"},
        {"format": "json", "schema": "care"},
        {"schema": "care"},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "care"}}},
    ],
)
def test_json_answer_is_the_object_alone_and_constrained(fields):
    service = ScriptedService(ENVELOPE)
    body = ask(service, **fields).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == CARE
    assert body["citations"][0]["number"] == 1
    assert body["choices"][0]["message"]["annotations"][0]["url_citation"]["start_index"] == 0
    grammar = service.script.options[0]["extra_body"]["structured_outputs"]["json"]
    assert grammar["properties"]["answer"]["anyOf"][0]["required"] == ["plant", "prune", "sun"]


def test_yaml_is_decoded_as_json_and_written_as_yaml():
    service = ScriptedService(ENVELOPE)
    content = ask(service, format="yaml").json()["choices"][0]["message"]["content"]
    assert content == "plant: quince\nprune: February\nsun: full"


def test_client_schema_is_what_the_answer_is_decoded_under():
    schema = {"type": "object", "properties": {"month": {"$ref": "#/$defs/m"}}, "$defs": {"m": {"type": "string"}}}
    service = ScriptedService('{"citations": [], "answer": {"month": "February"}}')
    wanted = {"type": "json_schema", "json_schema": {"name": "anything", "schema": schema, "strict": True}}
    body = ask(service, response_format=wanted).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == {"month": "February"}
    grammar = service.script.options[0]["extra_body"]["structured_outputs"]["json"]
    assert grammar["$defs"] == schema["$defs"]


def test_refusal_in_json_is_null_and_said_beside_it():
    message = ask(ScriptedService('{"citations": [], "answer": null}'), format="json").json()["choices"][0]["message"]
    assert json.loads(message["content"]) is None
    assert message["refusal"] == "I cannot find this in the leaflets."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "reply", ['{"citations": [1], "answer": {"plant": "quince"}}', '{"citations": [1], "ans', "no"]
)
def test_invalid_structured_answer_is_an_error_and_never_sent(reply, stream):
    service = ScriptedService(reply, reply)
    response = ask(service, format="json", stream=stream)
    assert response.status_code == 502
    assert error(response)["code"] == "invalid_answer"
    assert "quince" not in response.text
    assert [options.get("temperature") for options in service.script.options] == [None, 0.6]


def test_cut_off_structured_answer_is_tried_once_more_with_room():
    service = ScriptedService(ENVELOPE[:30], ENVELOPE)
    service.script.finish_reason = "length"
    response = ask(service, format="json")
    assert json.loads(response.json()["choices"][0]["message"]["content"]) == CARE
    assert [options["max_tokens"] for options in service.script.options] == [320, 2048]


def test_cut_off_at_the_clients_own_limit_is_said():
    service = ScriptedService(ENVELOPE[:30], ENVELOPE)
    service.script.finish_reason = "length"
    response = ask(service, format="json", max_tokens=9)
    assert response.status_code == 502
    assert "max_tokens" in error(response)["message"]
    assert len(service.script.options) == 1


# --- streams ---


def test_stream_spells_the_same_answer_and_ends_with_citations():
    response = ask(ScriptedService("In February. [1]"), stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks = events(response)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks) == "In February. [1]"
    assert len(chunks) > 4
    last = chunks[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["choices"][0]["delta"]["citations"] == last["citations"]
    assert last["citations"][0]["source"] == "shrubs/quince.md"
    assert last["choices"][0]["delta"]["annotations"][0]["type"] == "url_citation"
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_stream_counts_tokens_when_asked():
    plain = events(ask(ScriptedService("Yes."), stream=True))
    counted = events(ask(ScriptedService("Yes."), stream=True, stream_options={"include_usage": True}))
    assert not any("usage" in chunk for chunk in plain)
    assert counted[-1]["choices"] == []
    assert counted[-1]["usage"]["total_tokens"] == 48


def test_structured_stream_sends_the_valid_answer_in_one_piece():
    chunks = events(ask(ScriptedService(ENVELOPE), stream=True, format="json"))
    pieces = [c["choices"][0]["delta"].get("content") for c in chunks]
    assert [json.loads(piece) for piece in pieces if piece] == [CARE]


def test_error_before_the_first_word_keeps_its_status_in_a_stream():
    service = ScriptedService()
    service.script.error = ServeError("the language model cannot be reached")
    response = ask(service, stream=True)
    assert response.status_code == 503
    assert error(response)["message"] == "the language model cannot be reached"


# --- refusals of what cannot be done ---


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"n": 2}, "'n'"),
        ({"stop": ["."]}, "stop"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"modalities": 5}, "modalities"),
        ({"modalities": True}, "modalities"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hm"}]}, "question"),
        ({"messages": [{"role": "user", "content": "   "}]}, "question"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "tool"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "image_url"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "surrogate"),
        ({"temperature": float("nan")}, "NaN"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"format": "xml"}, "format"),
        ({"format": "json", "schema": "nothing"}, "nothing"),
        ({"format": "text", "schema": "care"}, "schema"),
        ({"response_format": {"type": "json_object"}, "format": "yaml"}, "contradicts"),
        ({"response_format": {"type": "json_schema"}}, "json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "'x'"),
        ({"format": "json", "schema": {"type": "nonsense"}}, "invalid"),
        ({"corpus": "elsewhere"}, "elsewhere"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(fields, word):
    service = ScriptedService("Yes.")
    # Escaped by hand: a lone surrogate cannot be sent otherwise.
    body = json.dumps({"model": "garden", "messages": QUESTION, **fields})
    response = send(service, "POST", "/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert word in error(response)["message"]
    assert error(response)["type"] == "invalid_request_error"
    assert service.script.prompts == []


def test_empty_lists_of_what_is_unsupported_are_harmless():
    assert ask(ScriptedService("Yes."), tools=[], n=1, stop=None, logprobs=False).status_code == 200


@pytest.mark.parametrize("model", ["gpt-4", "garden:nothing", "garden:icl+schema", "garden@00000000", "", "garden:"])
def test_unknown_model_is_404_with_the_list(model):
    response = ask(ScriptedService("Yes."), model=model)
    assert response.status_code == 404
    assert error(response)["code"] == "model_not_found"
    assert "garden:rag" in error(response)["message"]


def test_unexpected_error_is_500_without_its_content():
    service = ScriptedService()
    service.script.error = ValueError("secret detail")
    response = ask(service)
    assert response.status_code == 500
    assert error(response)["code"] == "internal_error"
    assert "secret" not in response.text


def test_body_that_is_not_declared_as_json_is_400():
    body = json.dumps({"model": "garden", "messages": QUESTION})
    response = send(ScriptedService(), "POST", "/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert "Content-Type" in error(response)["message"]


def test_broken_json_is_400():
    response = send(
        ScriptedService(), "POST", "/v1/chat/completions", content="{", headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert error(response)["type"] == "invalid_request_error"


# --- models, health ---


def test_models_begin_with_the_domain_and_end_with_adapters():
    body = send(ScriptedService(), "GET", "/v1/models").json()
    names = [model["id"] for model in body["data"]]
    assert names == [
        "garden", "garden:hybrid", "garden:rag", "garden:icl", "garden:rag+icl", "garden:base", "garden:lora",
        "garden:hybrid+icl", ADAPTER,
    ]  # fmt: skip
    assert {model["object"] for model in body["data"]} == {"model"}
    assert body["data"][-1]["created"] == 1767323045


def test_models_without_an_adapter_offer_no_adapter_arm():
    names = [model["id"] for model in send(ScriptedService(adapter=None), "GET", "/v1/models").json()["data"]]
    assert names == ["garden", "garden:rag", "garden:icl", "garden:rag+icl", "garden:base"]


def test_one_model_can_be_looked_up():
    assert send(ScriptedService(), "GET", "/v1/models/garden:rag+icl").json()["id"] == "garden:rag+icl"
    assert send(ScriptedService(), "GET", "/v1/models/gpt-4").status_code == 404


def test_ready_follows_model_and_corpus_and_health_does_not():
    service = ScriptedService()
    service.state.corpus = PartStatus(state="starting", detail="embedding 3 of 9")
    response = send(service, "GET", "/ready")
    assert response.status_code == 503
    assert response.json()["ready"] is False
    assert response.json()["corpus"]["detail"] == "embedding 3 of 9"
    assert send(service, "GET", "/health").status_code == 200
    service.state.corpus = PartStatus(state="ready")
    assert send(service, "GET", "/ready").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("GET", "/v1/chat/completions", 404), ("GET", "/", 404)]
)
def test_unknown_paths_answer_in_the_same_shape(method, path, status):
    response = send(ScriptedService(), method, path)
    assert response.status_code == status
    assert path in error(response)["message"]
