"""While the model is down: passages for people who ask, the error for everything else."""

import asyncio
import dataclasses

import pytest

from core.arms import ARMS
from core.chat import Done, Question
from core.errors import ModelDownError, TooSlowError
from core.settings import GenerateSettings
from core.without_model import LABEL, NOTHING, passages_answer
from tests.support.scripted_service import ScriptedService

QUESTION = Question(text="When do I prune quince?", arm=ARMS["hybrid"], or_passages=True)


def ask(service: ScriptedService, **fields):
    async def go():
        events = [event async for event in service.stream(QUESTION.model_copy(update=fields))]
        assert isinstance(events[-1], Done)
        return events[-1].answer

    return asyncio.run(go())


@pytest.fixture
def down():
    service = ScriptedService()
    service.script.error = ModelDownError("it restarts")
    return service


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_passages_are_the_answer_and_say_so(down, format):
    answer = ask(down, format=format)
    assert answer.degraded
    assert answer.text.startswith(LABEL)
    assert "[1]" in answer.text
    assert "Prune quince in February." in answer.text
    assert [citation.number for citation in answer.citations] == [1, 2]


@pytest.mark.parametrize(
    "fields",
    [{"or_passages": False}, {"format": "json"}, {"format": "markdown", "schema_name": "care"}, {"arm": ARMS["base"]}],
)
def test_what_passages_cannot_answer_stays_an_error(down, fields):
    with pytest.raises(ModelDownError):
        ask(down, **fields)


def test_a_model_that_does_not_end_is_too_slow():
    service = ScriptedService()
    service.script.endless = 1
    service.pipeline = dataclasses.replace(service.pipeline, generate=GenerateSettings(timeout_seconds=0.05))
    with pytest.raises(TooSlowError, match="too long"):
        ask(service)  # words have gone out already: passages would contradict them
    assert (service.script.running, service.script.aborted) == (0, 1)


def test_a_model_that_says_nothing_in_time_is_not_called_down():
    service = ScriptedService()
    service.script.silent = True
    service.pipeline = dataclasses.replace(service.pipeline, generate=GenerateSettings(timeout_seconds=0.05))
    with pytest.raises(TooSlowError, match="too long"):
        ask(service)
    assert service.script.aborted == 1


def test_no_passages_is_said():
    assert passages_answer(QUESTION, []).text == NOTHING
