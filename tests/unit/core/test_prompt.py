"""The one place that renders prompts: order, formats, worked examples, and a hash that notices every change."""

import pytest

from core import prompt
from core.prompt import PromptRequest, describe_schema, prompt_hash, render
from core.types import FORMATS, Evidence, Example, Passage

PASSAGES = (
    Passage(number=1, source="a.md", locator="A > B", text="First."),
    Passage(number=2, source="b.md", locator="C", text="Second."),
)
SCHEMA = {"type": "object", "properties": {"plant": {"type": "string"}, "sun": {"enum": ["full", "half"]}}}


def request(**changes):
    return PromptRequest(**{"persona": "P.", "refusal": "R.", "question": "Q?", **changes})


def whole(messages):
    return "\n".join(message["content"] for message in messages)


@pytest.mark.parametrize("format", FORMATS)
def test_what_repeats_comes_first(format):
    schema = SCHEMA if format in ("json", "yaml") else None
    text = whole(render(request(format=format, json_schema=schema, passages=PASSAGES)))
    order = ["P.", *(['"plant"'] if schema else []), "First.", "Second.", "Q?"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


@pytest.mark.parametrize("format", FORMATS)
def test_equal_requests_share_everything_before_the_passages(format):
    first, second = (render(request(format=format, passages=PASSAGES, question=q)) for q in ("Q?", "Other?"))
    assert first[0] == second[0]
    assert first[0]["role"] == "system"
    assert [m["role"] for m in first] == ["system", "user"]


def test_passages_carry_number_source_and_locator():
    assert "[2] b.md | C\nSecond." in whole(render(request(passages=PASSAGES)))


def test_closed_book_and_nothing_found_are_told_apart():
    closed, empty = (whole(render(request(passages=p))) for p in (None, ()))
    assert "Passages" not in closed
    assert "[1]" not in closed
    assert "(nothing found)" in empty


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_prose_prompts_say_how_to_refuse(format):
    assert "R." in render(request(format=format))[0]["content"]


def test_structured_prompts_show_the_envelope():
    assert '"answer": null' in render(request(format="json", json_schema=SCHEMA))[0]["content"]
    assert "answer: null" in render(request(format="yaml", json_schema=SCHEMA))[0]["content"]


def test_worked_examples_are_turns_in_the_format_asked_for():
    example = Example(
        id="e",
        question="Quince?",
        answer={"plant": "quince"},
        format="json",
        evidence=(Evidence(source="q.md", quote="Quince is a plant."),),
    )
    messages = render(request(format="json", json_schema=SCHEMA, passages=PASSAGES, examples=(example,)))
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert "Quince is a plant." in messages[1]["content"]
    assert messages[2]["content"] == '{"citations": [1], "answer": {"plant": "quince"}}'


def test_an_unanswerable_worked_example_refuses_whatever_it_says():
    example = Example(id="e", question="Cactus?", answer="Something", answerable=False)
    assert render(request(examples=(example,)))[2]["content"] == "R."


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (SCHEMA, '{"plant": string, "sun": "full" | "half"}'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": "array", "items": {"type": "integer"}}, "[integer]"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"const": 3}, "3"),
        ({}, "any"),
    ],
)
def test_a_schema_is_one_short_line(schema, text):
    assert describe_schema(schema) == text


def test_the_hash_is_stable_and_covers_the_chat_template():
    assert prompt_hash("template") == prompt_hash("template")
    assert prompt_hash("template") != prompt_hash("another")


@pytest.mark.parametrize("name", ["_format_rule", "_user_text", "passage_text", "write_answer", "describe_schema"])
def test_the_hash_changes_with_every_part_of_the_rendering(monkeypatch, name):
    before, original = prompt_hash("t"), getattr(prompt, name)
    monkeypatch.setattr(prompt, name, lambda *arguments: original(*arguments) + " ")
    assert prompt_hash("t") != before
