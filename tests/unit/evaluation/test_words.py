"""Words as metrics compare them."""

import pytest

from evaluation.words import holds, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The `CSRF_COOKIE_AGE` setting!", ["the", "csrf_cookie_age", "setting"]),
        ("fields.E003", ["fields", "e003"]),
        ("修剪在2月 now", ["修", "剪", "在", "2", "月", "now"]),
        (" -- ", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("What does Fields.E003 mean?", "fields.E003", True),
        ("What does fields.E0031 mean?", "fields.E003", False),
        ("red, then green", "red green", False),
        ("the migrate command", "rate", False),
        ("Is [] the default?", "[]", False),
        ("梨树何时修剪", "修剪", True),
    ],
)
def test_holds_wants_the_words_in_one_piece(text, part, expected):
    assert holds(text, part) is expected
