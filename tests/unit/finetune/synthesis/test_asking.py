"""What a teacher is asked: sentences it may quote, examples of the pack's own, and a schema that holds it to both."""

import json

import pytest
from jsonschema import Draft202012Validator

from finetune.corpus_text import ChunkText
from finetune.synthesis.asking import choose_task, new_example_prompt, read_reply, sentences
from tests.unit.finetune.conftest import example

TEXT = """# Quince in the garden

Prune the quince in May.  It wants
full sun all day. Short.

- Feed it with compost once a year.
"""


def chunk(number: int = 0, text: str = TEXT) -> ChunkText:
    return ChunkText(f"c{number}", "quince.md", "Quince", text)


def test_sentences_and_items_can_be_quoted_and_headings_and_crumbs_cannot():
    assert sentences(TEXT) == (
        "Prune the quince in May.",
        "It wants full sun all day.",
        "- Feed it with compost once a year.",
    )
    assert sentences("# Only a heading\n\nab") == ()
    assert sentences("x" * 400) == ()


def test_chunk_without_a_sentence_is_not_asked_about(make_pack):
    assert choose_task(chunk(text="# Only a heading of some length"), make_pack([]), ("text",), 7) is None


def test_reply_is_held_to_the_sentences_of_the_chunk_and_to_the_pack_schema(make_pack):
    pack = make_pack([])
    task = choose_task(chunk(), pack, ("json",), 7)
    assert task is not None
    _, schema = new_example_prompt(task, pack)
    Draft202012Validator.check_schema(schema)
    reply = {
        "quote": "Prune the quince in May.",
        "question": "When?",
        "answer": {"plant": "quince", "month": "May"},
    }
    check = Draft202012Validator(schema)
    assert check.is_valid(reply)
    assert check.is_valid({**reply, "answer": None})
    assert not check.is_valid({**reply, "quote": "Prune the quince in June."})
    assert not check.is_valid({**reply, "answer": {"plant": "quince"}})
    assert not check.is_valid({**reply, "answer": {"plant": "quince " * 50, "month": "May"}})  # it would not end


def test_references_inside_a_schema_still_lead_somewhere(make_pack):
    schema = {
        "type": "object",
        "properties": {"month": {"$ref": "#/$defs/month"}},
        "required": ["month"],
        "$defs": {"month": {"enum": ["May", "June"]}},
    }
    pack = make_pack([], schemas={"pruning": schema})
    task = choose_task(chunk(), pack, ("yaml",), 7)
    assert task is not None
    check = Draft202012Validator(new_example_prompt(task, pack)[1])
    reply = {"quote": "Prune the quince in May.", "question": "When?", "answer": {"month": "May"}}
    assert check.is_valid(reply)
    assert not check.is_valid({**reply, "answer": {"month": "Monday"}})


def test_examples_of_the_same_format_and_schema_are_shown_as_turns(make_pack):
    others = [example("rose", format="text", schema=None, answer="In May."), example("fern", evidence=[])]
    pack = make_pack([example("maple"), *others])
    task = choose_task(chunk(), pack, ("json",), 7)
    assert task is not None
    messages, _ = new_example_prompt(task, pack)
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert json.loads(messages[2]["content"]) == {
        "quote": "Prune the maple in May.",
        "question": "When do I prune a maple?",
        "answer": {"plant": "maple", "month": "May"},
    }
    assert "A gardener." in messages[0]["content"]
    assert messages[3]["content"].endswith(TEXT)


def test_choices_vary_between_chunks_and_are_the_same_for_the_same_seed(make_pack):
    pack = make_pack([])
    formats = ("text", "markdown", "json", "yaml")
    first = [choose_task(chunk(n), pack, formats, 7) for n in range(40)]
    assert first == [choose_task(chunk(n), pack, formats, 7) for n in range(40)]
    assert first != [choose_task(chunk(n), pack, formats, 8) for n in range(40)]
    assert {task.format for task in first if task} == set(formats)
    assert len({task.manner for task in first if task}) > 3
    assert {task.schema for task in first if task and task.format == "text"} == {None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure! ```json\n{"a": {"b": 2}}\n``` Anything else?', {"a": {"b": 2}}),
        ("no", None),
        ('{"a": ', None),
        ("[1]", None),
        ("", None),
    ],
)
def test_first_object_of_a_reply_is_read(text, expected):
    assert read_reply(text) == expected
