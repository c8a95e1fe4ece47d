"""Names and reasons on one line, without anything that a terminal would obey."""

import pytest

from core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢字 🔧.md", "plain ü 漢字 🔧.md"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("txt\u202egpj.exe", r"txt\u202egpj.exe"),
        ("line\u2028end\x85", r"line\u2028end\x85"),
        ("\udcff", r"\udcff"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown
