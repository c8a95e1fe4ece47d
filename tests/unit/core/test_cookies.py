"""One cookie out of a header."""

import pytest

from core.cookies import cookie


@pytest.mark.parametrize(
    ("header", "value"),
    [("a=1; b=2", "2"), ("a=1", ""), ("", ""), ("a=1; =; b=2", ""), ('b="x y"', "x y")],
)
def test_its_value_or_nothing(header: str, value: str) -> None:
    assert cookie(header, "b") == value
