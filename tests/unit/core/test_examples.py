"""Examples files: every complaint names the file and the line."""

import json

import pytest

from core.errors import ExampleError
from core.examples import read_examples
from core.types import Example

GOOD = {"id": "a", "question": "Q?", "answer": "A."}


@pytest.fixture
def read(tmp_path):
    """Writes lines to a file and reads them as examples."""

    def make(*lines):
        path = tmp_path / "train.jsonl"
        path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), encoding="utf-8")
        return read_examples(path)

    return make


def test_reads_every_key(read):
    row = {
        **GOOD,
        "answer": {"plant": "quince"},
        "format": "json",
        "schema": "care",
        "evidence": [{"source": "a.md", "quote": "q"}],
        "tags": ["record:quince", "x"],
    }
    (example,) = read(row)
    assert example.schema_name == "care"
    assert example.evidence[0].source == "a.md"
    assert example.record == "quince"


def test_without_a_record_tag_an_example_is_its_own_record(read):
    assert read(GOOD)[0].record == "a"


def test_empty_lines_do_not_shift_line_numbers(read):
    with pytest.raises(ExampleError, match=r"train.jsonl:4: not JSON .*column 2.*fix or remove"):
        read(GOOD, "", "  ", "{x}")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**GOOD, "anwser": "x"}, r":1: anwser: Extra inputs"),
        ({"id": "a", "answer": "A."}, r":1: question: Field required"),
        ({**GOOD, "format": "html"}, r":1: format: "),
        ({**GOOD, "format": "json"}, r":1: line: .*format json needs an object"),
        ({**GOOD, "answer": {"a": 1}}, r":1: line: .*format text needs a non-empty string"),
        ({**GOOD, "answer": ""}, r":1: line: .*non-empty string"),
        ({**GOOD, "evidence": [{"source": "a.md"}]}, r":1: evidence.0.quote: Field required"),
        ([1], r":1: line: "),
    ],
)
def test_a_wrong_line_is_named_with_its_key(read, row, message):
    with pytest.raises(ExampleError, match=message) as error:
        read(row)
    assert "\n" not in str(error.value)


def test_an_unanswerable_example_needs_no_answer(read):
    (example,) = read({"id": "a", "question": "Q?", "format": "json", "answerable": False})
    assert example.answer is None


def test_a_repeated_id_is_named(read):
    with pytest.raises(ExampleError, match=r"train.jsonl:3: repeats the id 'a' of line 1"):
        read(GOOD, {**GOOD, "id": "b"}, GOOD)


def test_unicode_line_separators_inside_a_string_are_no_line_ends(read):
    text = "one\u2028two\x85three"
    (example,) = read(json.dumps({**GOOD, "answer": text}, ensure_ascii=False))
    assert example.answer == text


def test_a_missing_file_and_a_file_in_another_encoding_are_named(tmp_path):
    with pytest.raises(ExampleError, match=r"absent.jsonl does not exist"):
        read_examples(tmp_path / "absent.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe4"}')
    with pytest.raises(ExampleError, match=r"latin.jsonl cannot be read as UTF-8"):
        read_examples(tmp_path / "latin.jsonl")


def test_a_written_example_reads_back_the_same(read):
    example = Example.model_validate(
        {**GOOD, "schema": "s", "tags": ["t"], "format": "yaml", "answer": {"k": [1, None]}}
    )
    assert read(example.model_dump_json(by_alias=True)) == [example]
