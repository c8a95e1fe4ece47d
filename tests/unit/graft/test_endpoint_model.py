"""What an endpoint is asked when the pipeline wants a shape: its own way of saying it, or nothing where it refuses."""

import asyncio
from typing import Any

import httpx
import openai
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from core.answer_text import json_grammar
from core.errors import ServeError
from graft.endpoint_model import EndpointModel
from graft.teacher import Teacher

SCHEMA = {"type": "object", "properties": {"month": {"type": "string"}}, "required": ["month"]}
GRAMMAR = {"structured_outputs": json_grammar(SCHEMA, 2)}


def refusal(status: int) -> openai.APIStatusError:
    kind = {400: openai.BadRequestError, 401: openai.AuthenticationError}[status]
    request = httpx.Request("POST", "http://endpoint/v1")
    return kind(f"scripted {status}", response=httpx.Response(status, request=request), body=None)


class Inner(BaseChatModel):
    """Notes the options of each request; answers by script: a text, or a status to refuse with."""

    script: Any
    asked: list[dict[str, Any]] = []  # noqa: RUF012 - pydantic copies it

    @property
    def _llm_type(self) -> str:
        return "inner"

    def _generate(self, messages, stop=None, run_manager=None, **options) -> ChatResult:
        message = AIMessage(content=self._reply(options))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _reply(self, options: dict[str, Any]) -> str:
        self.asked.append(options)
        reply = self.script(options)
        if isinstance(reply, int):
            raise refusal(reply)
        return reply

    async def _astream(self, messages, stop=None, run_manager=None, **options):
        reply = self._reply(options)
        yield ChatGenerationChunk(message=AIMessageChunk(content=reply, response_metadata={"finish_reason": "stop"}))


def ask(model: EndpointModel, **options: Any) -> str:
    async def go() -> str:
        return "".join([chunk.text async for chunk in model.astream("When?", max_tokens=9, **options)])

    return asyncio.run(go())


def shape(options: dict[str, Any]) -> dict[str, Any] | None:
    return options.get("extra_body", {}).get("response_format")


def test_a_schema_is_said_as_response_format_without_hints_for_vllm():
    inner = Inner(script=lambda options: "{}")
    assert ask(EndpointModel(inner=inner, endpoint="big"), extra_body=GRAMMAR) == "{}"
    (options,) = inner.asked
    sent = shape(options)
    assert sent is not None
    assert sent["json_schema"]["schema"]["required"] == ["citations", "answer"]
    assert "x-guidance" not in sent["json_schema"]["schema"]
    assert "structured_outputs" not in options["extra_body"]
    assert options["max_tokens"] == 9


def test_other_grammars_and_plain_text_are_asked_for_in_words():
    inner = Inner(script=lambda options: "text")
    model = EndpointModel(inner=inner, endpoint="big")
    assert ask(model) == ask(model, extra_body={"structured_outputs": {"regex": "a+"}}) == "text"
    assert not any("extra_body" in options for options in inner.asked)


def test_an_endpoint_that_refuses_schemas_is_not_asked_again_with_one():
    inner = Inner(script=lambda options: 400 if shape(options) else "{}")
    model = EndpointModel(inner=inner, endpoint="big")
    assert [ask(model, extra_body=GRAMMAR) for _ in range(2)] == ["{}", "{}"]
    assert [shape(options) is not None for options in inner.asked] == [True, False, False]


def test_a_request_that_fails_both_ways_says_nothing_about_schemas():
    replies = iter([400, 400, "{}"])
    inner = Inner(script=lambda options: next(replies))
    model = EndpointModel(inner=inner, endpoint="big")
    with pytest.raises(ServeError, match="the teacher big refused: scripted 400"):
        ask(model, extra_body=GRAMMAR)
    assert ask(model, extra_body=GRAMMAR) == "{}"
    assert [shape(options) is not None for options in inner.asked] == [True, False, True]


def test_errors_of_the_endpoint_are_one_line():
    with pytest.raises(ServeError, match="refused the key"):
        ask(EndpointModel(inner=Inner(script=lambda options: 401), endpoint="big"))


def test_a_teacher_asked_in_words_gets_a_second_try_where_the_shape_is_another():
    replies = iter([400, "In May.", '{"month": "May"}', '{"month": 5}', '{"month": 6}', '{"month": "June"}'])
    inner = Inner(script=lambda options: next(replies))
    teacher = Teacher("big", inner)
    assert teacher([{"role": "user", "content": "When?"}], SCHEMA) == '{"month": "May"}'
    # Twice wrong is given back as it is: whoever asked judges it.
    assert teacher([{"role": "user", "content": "When?"}], SCHEMA) == '{"month": 6}'
    assert [options.get("temperature") for options in inner.asked] == [None, None, 0.6, None, 0.6]
