"""Writing answers and reading them back: what goes in comes out, whatever the characters."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from core.answer_text import deciding_spans, envelope_schema, fold, read_answer, serialise, without_marks, write_answer
from core.types import FORMATS

REFUSAL = "I cannot find this in the documents."
AWKWARD = [
    'say "hi"',
    "it's: a # comment",
    "back\\slash \\n not a newline",
    "two\nlines\n\nand a gap",
    "tab\there",
    "- dash",
    "{% static %} {{ x }}",
    '|random:"a"',
    "null",
    "true",
    "12",
    "1e3",
    "2024-01-01",
    "",
    " leading and trailing ",
    "émigré 你好 🙂",
    "line\u2028separator \x85 \ufeff",
    "*anchor &ref !tag %dir @at `tick`",
    "%(model_name)s",
    "x" * 500,
]


@pytest.mark.parametrize("format", ["json", "yaml"])
@pytest.mark.parametrize("text", AWKWARD)
def test_structured_answers_come_back_as_they_went_in(format, text):
    answer = {"name": text, "list": [text, None, 1, 2.5, True], "nested": {text or "empty": text}, "none": []}
    parsed = read_answer(write_answer(answer, format, [2, 1], REFUSAL), format, {"type": "object"}, REFUSAL)
    assert parsed.answer == answer
    assert parsed.valid
    assert not parsed.refused
    assert parsed.cited == [2, 1]


@pytest.mark.parametrize("format", ["json", "yaml"])
@pytest.mark.parametrize("text", AWKWARD)
def test_what_a_user_reads_parses_too(format, text):
    answer = {"key": text, "list": [text]}
    shown = serialise(answer, format)
    assert (json.loads(shown) if format == "json" else yaml.safe_load(shown)) == answer


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("cited", [[], [1]])
def test_a_refusal_is_read_as_a_refusal(format, cited):
    parsed = read_answer(write_answer(None, format, cited, REFUSAL), format, {"type": "object"}, REFUSAL)
    assert parsed.refused
    assert parsed.valid
    # Prose says its refusal in words; json and yaml say null.
    assert parsed.answer == (REFUSAL if format in ("text", "markdown") else None)


@pytest.mark.parametrize("format", ["text", "markdown"])
@pytest.mark.parametrize("text", ["Prune in May.", "## Steps\n\n1. Dig\n2. Wait", "Use `a[b]` and `x`", "你好。"])
def test_prose_carries_marks(format, text):
    raw = write_answer(text, format, [3, 1], REFUSAL)
    parsed = read_answer(raw, format, None, REFUSAL)
    assert raw == f"{text} [3][1]"
    assert parsed.cited == [3, 1]
    assert without_marks(parsed.text) == text


@pytest.mark.parametrize(
    ("raw", "cited"),
    [("A [1] b [2].", [1, 2]), ("A [1, 3].", [1, 3]), ("A [1][1].", [1]), ("A [x] [].", []), ("list[0]", [0])],
)
def test_marks_are_found_wherever_they_stand(raw, cited):
    assert read_answer(raw, "text", None, REFUSAL).cited == cited


def test_a_refusal_may_differ_in_case_and_punctuation_and_go_on():
    assert read_answer("i cannot find this in the documents! Sorry.", "text", None, REFUSAL).refused
    assert not read_answer("The documents say: I cannot find this in the documents", "text", None, REFUSAL).refused


def test_silence_is_a_refusal_and_not_valid():
    parsed = read_answer("  \n", "text", None, REFUSAL)
    assert parsed.refused
    assert not parsed.valid


@pytest.mark.parametrize(
    ("raw", "format"),
    [
        ('{"citations": [1], "answer": {"a": 1}', "json"),
        ("[1, 2]", "json"),
        ('"text"', "json"),
        ("", "json"),
        ("Sure! Here is your JSON", "json"),
        ("a: [1", "yaml"),
        ("just words", "yaml"),
        ("", "yaml"),
        ("a: &x [*x]", "yaml"),
        ("[" * 5000, "json"),
        ("[" * 3000, "yaml"),
        ("? {a: 1}\n: 2", "yaml"),
        ("answer: {a: .inf}", "yaml"),
        ('{"answer": {"a": NaN}}', "json"),
        ("answer: {a: !!binary aGk=}", "yaml"),
        ("answer: {a: !!python/name:os.system ''}", "yaml"),
    ],
)
def test_what_does_not_parse_is_invalid_and_never_raises(raw, format):
    parsed = read_answer(raw, format, {"type": "object", "required": ["a"]}, REFUSAL)
    assert not parsed.valid
    assert parsed.cited == []


@pytest.mark.parametrize(
    ("raw", "format"),
    [
        ('```json\n{"citations": [1], "answer": {"a": "b"}}\n```', "json"),
        ('```\n{"citations": [1], "answer": {"a": "b"}}\n```\nHope this helps!', "json"),
        ("```yaml\ncitations: [1]\nanswer:\n  a: b\n```", "yaml"),
    ],
)
def test_a_fenced_answer_is_read(raw, format):
    parsed = read_answer(raw, format, None, REFUSAL)
    assert (parsed.answer, parsed.cited, parsed.valid) == ({"a": "b"}, [1], True)


def test_an_answer_without_its_envelope_is_read_without_citations():
    parsed = read_answer('{"a": "b"}', "json", None, REFUSAL)
    assert (parsed.answer, parsed.cited) == ({"a": "b"}, [])


@pytest.mark.parametrize("citations", ['"1"', "1", '["1", null]', "{}", "[true]"])
def test_citations_that_are_no_numbers_are_dropped(citations):
    assert read_answer(f'{{"citations": {citations}, "answer": {{}}}}', "json", None, REFUSAL).cited == []


def test_an_answer_that_breaks_its_schema_is_kept_but_invalid():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    parsed = read_answer('{"citations": [], "answer": {"a": "b"}}', "json", schema, REFUSAL)
    assert parsed.answer == {"a": "b"}
    assert not parsed.valid


def test_yaml_values_stay_strings():
    raw = write_answer({"when": "2024-01-01", "on": "yes"}, "yaml", [], REFUSAL)
    assert '"2024-01-01"' in raw
    assert yaml.safe_load(raw)["answer"] == {"when": "2024-01-01", "on": "yes"}


def test_unquoted_yaml_dates_are_text_and_keys_are_strings():
    parsed = read_answer(
        "citations: []\nanswer:\n  since: 2024-01-01\n  bad: 2024-13-45\n  1: one", "yaml", None, REFUSAL
    )
    assert parsed.answer == {"since": "2024-01-01", "bad": "2024-13-45", "1": "one"}


def test_the_envelope_schema_admits_what_is_written_and_nothing_else():
    inner = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/word"}},
        "required": ["a"],
        "$defs": {"word": {"type": "string"}},
    }
    check = Draft202012Validator(envelope_schema(inner, passages=4))
    for good in (write_answer({"a": "b"}, "json", [1, 4], ""), write_answer(None, "json", [], "")):
        assert check.is_valid(json.loads(good))
    for bad in ({"answer": {"a": "b"}}, {"citations": [5], "answer": None}, {"citations": [], "answer": {"a": 1}}):
        assert not check.is_valid(bad)
    assert not check.is_valid({"citations": [], "answer": None, "more": 1})


def test_without_passages_nothing_can_be_cited():
    check = Draft202012Validator(envelope_schema({"type": "object"}, passages=0))
    assert check.is_valid({"citations": [], "answer": {}})
    assert not check.is_valid({"citations": [1], "answer": {}})


@pytest.mark.parametrize("answer", [{"name": "x", "codes": [1, 2]}, None])
@pytest.mark.parametrize("cited", [[], [2], [1, 3]])
@pytest.mark.parametrize("format", ["json", "yaml"])
def test_the_citations_of_an_envelope_decide_it(format, cited, answer):
    text = write_answer(answer, format, cited, "No.")
    assert [json.loads(text[a:b]) for a, b in deciding_spans(text)] == [cited]
    unspaced = text.replace(": ", ":")  # as tokens read one by one without their spaces
    assert [json.loads(unspaced[a:b]) for a, b in deciding_spans(unspaced)] == [cited]


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_the_first_character_and_the_marks_decide_prose(format):
    def deciding(*args):
        text = write_answer(*args)
        return [text[a:b].strip() for a, b in deciding_spans(text)]

    assert deciding("x is red.", format, [1, 3], "No.") == ["x", "[1]", "[3]"]
    assert deciding("x is red.", format, [], "No.") == ["x"]
    assert deciding(None, format, [], "No.") == ["N"]
    assert deciding_spans("") == [(0, 1)]


def test_fold_ignores_case_punctuation_and_space():
    assert fold("  The `CSRF_COOKIE_AGE`, \n setting! ") == fold("the csrf_cookie_age setting")
    assert fold("a-b") != fold("ab")
