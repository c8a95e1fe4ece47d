"""Field by field: what is right, what does not count, how nested values and lists compare."""

import pytest

from evaluation.fields import canonical, compare_fields

QUESTION = "Which check is it?"


@pytest.mark.parametrize(
    ("expected", "found", "share"),
    [
        ({"a": "One", "b": "two"}, {"a": "ONE!", "b": " two "}, 1.0),
        ({"a": "one", "b": "two"}, {"a": "one", "b": "three"}, 0.5),
        ({"a": "one", "b": "two"}, {"a": "one"}, 0.5),
        ({"a": "one"}, {"a": "one", "b": "more"}, 1.0),
        ({"a": "one"}, None, 0.0),
        ({"a": "one"}, "one", 0.0),
        ({"a": "one"}, ["one"], 0.0),
        ({"a": 300}, {"a": "300"}, 1.0),
        ({"a": 1.0}, {"a": 1}, 1.0),
        ({"a": -1}, {"a": 1}, 0.0),
        ({"a": "-1"}, {"a": "1"}, 0.0),
        ({"a": True}, {"a": "True"}, 1.0),
        ({"a": True}, {"a": False}, 0.0),
        ({"a": None}, {"a": None}, 1.0),
        ({"a": None}, {}, 0.0),
        ({"a": "[]"}, {"a": "`[]`"}, 1.0),
        ({"a": "[]"}, {"a": "{}"}, 0.0),
        ({"a": ""}, {"a": "x"}, 0.0),
        ({"a": {"b": "x", "c": "y"}}, {"a": {"b": "x", "c": "z"}}, 0.5),
        ({"a": {"b": "x"}}, {"a": "x"}, 0.0),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, 1.0),
        ({"a": ["x", "y"]}, {"a": ["x", "x"]}, 0.5),
        ({"a": ["x", "y"]}, {"a": "x"}, 0.0),
        ({"a": []}, {"a": []}, 1.0),
        ({"a": []}, {"a": ["x"]}, 0.0),
        ({"a": [{"n": "x"}, {"n": "y"}]}, {"a": [{"n": "y"}, {"n": "x"}]}, 0.0),
        ({"a": [{"n": "x"}, {"n": "y"}]}, {"a": [{"n": "x"}]}, 0.5),
    ],
)
def test_exact_match(expected, found, share):
    assert compare_fields(expected, found, QUESTION).exact_match == pytest.approx(share)


def test_what_the_question_says_does_not_count():
    expected = {"id": "fields.E003", "level": "Error"}
    scored = compare_fields(expected, {"id": "fields.E003", "level": "Warning"}, "What is (FIELDS E003)?")
    assert [field.counts for field in scored.fields] == [False, True]
    assert scored.exact_match == 0.0
    assert compare_fields(expected, expected, "What is fields.E0031?").exact_match == 1.0


def test_an_example_whose_fields_all_stand_in_the_question_does_not_count():
    scored = compare_fields({"a": "quince"}, {"a": "wrong"}, "When is quince pruned?")
    assert scored.exact_match is None
    assert scored.f1 is None


def test_f1_gives_part_of_the_credit_and_takes_some_for_extra_values():
    assert compare_fields({"a": "one two three four"}, {"a": "one two"}, QUESTION).f1 == pytest.approx(2 * 2 / 6)
    assert compare_fields({"a": "one"}, {"a": "one", "b": "more"}, QUESTION).f1 == pytest.approx(0.5)
    assert compare_fields({"a": "x y"}, {"a": "x y"}, QUESTION).f1 == 1.0
    assert compare_fields({"a": "-5"}, {"a": "5"}, QUESTION).f1 == 0.0


def test_list_items_are_paired_with_the_nearest_not_the_first():
    scored = compare_fields({"a": ["red rose", "blue"]}, {"a": ["blue", "red tulip"]}, QUESTION)
    assert [(field.found, field.correct) for field in scored.fields] == [("red tulip", False), ("blue", True)]
    assert scored.f1 == pytest.approx((0.5 + 1) / 2)


def test_more_list_items_than_expected_are_extra():
    scored = compare_fields({"a": ["x"]}, {"a": ["x", "y", "z"]}, QUESTION)
    assert scored.exact_match == 1.0
    assert scored.extra == 2
    assert scored.f1 == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "null"), (True, "true"), (2.0, "2"), ("5.10", "5 10"), ("- a", "a"), ("`-3`", "-3")]
)
def test_canonical(value, expected):
    assert canonical(value) == expected
