"""What the gateway promises: answers of the right shape or an error, passages while the model is down, names."""

import json

import pytest

from core.errors import ModelDownError
from core.pack import load_pack
from core.second_try import LOOP_CHARACTERS
from tests.support.scripted_service import GARDEN, ScriptedService
from tests.unit.serve.test_gateway import CARE, ENVELOPE, ask, error, events

GUIDE = {"x-sections": ["When", "How"]}
GOOD = "## When\n\nIn February. [1]\n\n## How\n\nBoldly."


def sampling(service: ScriptedService) -> list[float | None]:
    return [options.get("temperature") for options in service.script.options]


# --- json and yaml ---


@pytest.mark.parametrize("stream", [False, True])
def test_invalid_answer_is_tried_once_more_and_its_tokens_count(stream):
    service = ScriptedService("no", ENVELOPE)
    response = ask(service, format="json", stream=stream, stream_options={"include_usage": True})
    body = events(response)[-1] if stream else response.json()
    assert sampling(service) == [None, 0.6]
    assert body["usage"]["total_tokens"] == 96
    if not stream:
        assert json.loads(body["choices"][0]["message"]["content"]) == CARE


def test_loop_is_ended_early_and_drawn_anew():
    spin = '{"citations": [1], "answer": {"plant": "' + "ro ro " * LOOP_CHARACTERS
    service = ScriptedService(spin, ENVELOPE)
    assert json.loads(ask(service, format="json").json()["choices"][0]["message"]["content"]) == CARE
    assert service.script.aborted == 1
    assert sampling(service) == [None, 0.6]


def test_loop_that_comes_again_is_said():
    spin = '{"citations": [1], "answer": ' + " \n" * LOOP_CHARACTERS
    response = ask(ScriptedService(spin, spin), format="yaml")
    assert response.status_code == 502
    assert "repeats itself" in error(response)["message"]


# --- Markdown ---


@pytest.mark.parametrize("stream", [False, True])
def test_markdown_with_a_schema_is_decoded_and_checked_by_its_sections(stream):
    service = ScriptedService(GOOD)
    response = ask(service, format="markdown", schema=GUIDE, stream=stream)
    assert "## When" in (response.text if stream else response.json()["choices"][0]["message"]["content"])
    assert service.script.options[0]["extra_body"]["structured_outputs"]["regex"].count("## ") == 2
    assert "under the headings ## When, ## How" in service.script.prompts[0][0].content


@pytest.mark.parametrize("stream", [False, True])
def test_markdown_without_its_sections_is_an_error(stream):
    response = ask(ScriptedService("In February.", "Truly."), format="markdown", schema=GUIDE, stream=stream)
    assert response.status_code == 502
    assert "sections" in error(response)["message"]
    assert "February" not in response.text


def test_markdown_without_a_schema_is_as_it_comes():
    service = ScriptedService("In February.")
    assert ask(service, format="markdown").status_code == 200
    assert "extra_body" not in service.script.options[0]


@pytest.mark.parametrize("schema", [{"type": "object"}, {"x-sections": "When"}])
def test_markdown_schema_without_sections_is_refused(schema):
    response = ask(ScriptedService("Yes."), format="markdown", schema=schema)
    assert response.status_code == 400
    assert "x-sections" in error(response)["message"]


def test_schema_of_the_pack_gives_sections_by_name():
    pack = load_pack(str(GARDEN), GARDEN.parent, GARDEN.parent)
    service = ScriptedService("## Plant\n\nQuince\n\n## Prune\n\nFebruary\n\n## Sun\n\nFull", pack=pack)
    assert ask(service, format="markdown", schema="care").status_code == 200


# --- the model is down ---


@pytest.mark.parametrize("stream", [False, True])
def test_passages_are_given_and_labelled_while_the_model_is_down(stream):
    service = ScriptedService()
    service.script.error = ModelDownError("it restarts")
    response = ask(service, stream=stream)
    body = events(response)[-1] if stream else response.json()
    assert body["graft"]["degraded"] is True
    assert len(body["citations"]) == 2
    assert "The model is not running." in response.text


@pytest.mark.parametrize("fields", [{"format": "json"}, {"model": "garden:base"}])
def test_what_passages_cannot_answer_is_503_with_a_time_to_come_back(fields):
    service = ScriptedService()
    service.script.error = ModelDownError("it restarts")
    response = ask(service, **fields)
    assert response.status_code == 503
    assert error(response)["code"] == "model_down"
    assert int(response.headers["Retry-After"]) > 0


# --- several corpora ---


def test_model_name_says_which_corpora_are_searched():
    service = ScriptedService("Yes. [1]")
    service.other_corpora = ["herbs"]
    body = ask(service, model="garden+herbs").json()
    assert body["model"] == "garden+herbs"
    assert service.asked_corpora == ["garden+herbs"]
    twice = ask(service, model="garden+herbs", corpus="herbs")
    assert twice.status_code == 400
    assert "garden+herbs" in error(twice)["message"]
