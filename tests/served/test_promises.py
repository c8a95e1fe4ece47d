"""The gateway's promises on the real model: the right shape, or an error that says so."""

import json

import pytest
from jsonschema import Draft202012Validator

from core.sections import missing_sections, sections_of
from tests.served.test_end_to_end import chat

pytestmark = [pytest.mark.integration, pytest.mark.served]


@pytest.mark.parametrize("model", ["garden", "garden:rag"])
def test_markdown_has_its_sections_or_the_call_says_why_not(served, model):
    schema = json.loads((served.pack / "schemas" / "care.json").read_text())
    answer = chat(served, model, format="markdown", schema="care")
    if answer.status_code == 502:
        assert answer.json()["error"]["code"] == "invalid_answer"
        return
    body = answer.json()
    text = body["choices"][0]["message"]["content"]
    assert body["graft"]["refused"] or missing_sections(text, sections_of(schema)) == []


def test_json_of_a_schema_of_the_clients_is_valid_or_the_call_says_why_not(served):
    schema = {"type": "object", "properties": {"months": {"type": "array", "items": {"type": "string"}}}}
    answer = chat(served, "garden:rag", format="json", schema=schema)
    if answer.status_code == 502:
        assert answer.json()["error"]["code"] == "invalid_answer"
        return
    value = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert value is None or Draft202012Validator(schema).is_valid(value)
