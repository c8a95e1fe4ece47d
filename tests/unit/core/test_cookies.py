"""One cookie out of a header."""

import pytest

from core.cookies import cookie


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("a=1; b=2", "2"),
        ("a=1", ""),
        ("", ""),
        ("b", ""),
        ('b="x y"', "x y"),
        ("b=x=y", "x=y"),
        # Cookies of other programs on the same host, which http.cookies cannot read
        ("a=1; =; b=2", "2"),
        ('a={"x": 1}; b=2', "2"),
        ("prefs[x]=1; b=2", "2"),
        ("alone; b=2; naïve=1", "2"),
    ],
)
def test_its_value_or_nothing(header: str, value: str) -> None:
    assert cookie(header, "b") == value
