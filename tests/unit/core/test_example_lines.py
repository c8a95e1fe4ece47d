"""Lines of an examples file: filtered, and found again by what stood in them."""

import json

import pytest

from core.errors import EditConflictError
from core.example_desk import ExampleFilter
from core.example_lines import place_of, read_texts, rows_of, select, write_texts


def line(name, **changes):
    fields = {"id": name, "question": f"When do I prune a {name}?", "answer": "In May.", "tags": ["kind:when"]}
    return json.dumps(fields | changes)


TEXTS = [
    line("quince"),
    "",
    line("fern", format="json", schema="care", answer={"plant": "Fern\nof shade"}, tags=["record:fern"]),
    "{broken",
    line("rose", answerable=False, answer=None),
]


def found(**wanted):
    return [
        row.example.id if row.example else row.stamp.line
        for row in select(rows_of(TEXTS), ExampleFilter(**wanted), 0, 99).rows
    ]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, ["quince", "fern", 4, "rose"]),
        ({"words": "PRUNE rose"}, ["rose"]),
        ({"words": "shade"}, ["fern"]),
        ({"words": "broken"}, [4]),
        ({"format": "json"}, ["fern"]),
        ({"schema_name": "care"}, ["fern"]),
        ({"tag": "kind:when"}, ["quince", "rose"]),
        ({"answerable": False}, ["rose"]),
        ({"answerable": True, "format": "text"}, ["quince"]),
    ],
)
def test_filters(wanted, ids):
    assert found(**wanted) == ids


def test_a_page_of_rows_says_how_many_there_are_and_which_tags():
    page = select(rows_of(TEXTS), ExampleFilter(), 1, 2)
    assert [row.stamp.line for row in page.rows] == [3, 4]
    assert (page.found, page.total, page.tags) == (4, 4, ["kind:when"])
    assert "not JSON" in page.rows[1].flaw


def test_a_line_is_found_again_where_others_came_or_went():
    stamp = rows_of(TEXTS)[1].stamp
    assert place_of(TEXTS, stamp) == 2
    assert place_of(TEXTS[2:], stamp) == 0
    assert place_of([line("new"), *TEXTS], stamp) == 3
    with pytest.raises(EditConflictError, match="somebody else"):
        place_of([*TEXTS[:2], line("fern", answer="In June."), *TEXTS[3:]], stamp)
    with pytest.raises(EditConflictError):
        place_of([], stamp)


def test_lines_are_written_as_they_were_read(tmp_path):
    path = tmp_path / "train.jsonl"
    texts = [*TEXTS, line("odd", answer="a\u2028b")]
    write_texts(path, texts)
    assert read_texts(path) == texts
    assert read_texts(tmp_path / "none.jsonl") == []
