"""Formats by name, encodings by content."""

import pytest

from ingest.decode import decode
from ingest.formats import format_of


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a/b.MD", b"", "markdown"),
        ("x.py", b"", "code"),
        ("x.csv", b"", "rows"),
        ("README", b"hello", "text"),
        ("x.unknown", b"plain", "text"),
        ("x.pdf", b"%PDF", "pdf"),
    ],
)
def test_format(name, head, kind):
    assert format_of(name, head) == kind


@pytest.mark.parametrize(
    ("name", "head", "reason"), [("x.png", b"", ".png"), ("x.doc", b"", ".docx"), ("x", b"a\0b", "binary")]
)
def test_rejections_say_why(name, head, reason):
    with pytest.raises(ValueError, match=reason):
        format_of(name, head)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding):
    text = (
        "Über die Prüfung der Geräte steht hier ein längerer Satz, damit die Kodierung erkennbar ist. Größe: 5 Öfen.\n"
    )
    assert decode(text.replace("\n", "\r\n").encode(encoding)) == text


def test_binary_is_no_text():
    with pytest.raises(ValueError, match="NUL"):
        decode(b"ab\0cd")
