"""Formats: the one that a name claims, if the content agrees."""

import io
import zipfile

import pytest

from ingest.formats import format_of
from ingest.signatures import signature_of


def archive(*names, **parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, content in {**dict.fromkeys(names, "<x/>"), **parts}.items():
            # Without the time of day: bytes are in the names of tests, which have to be the same in each worker.
            file.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue()


DOCX = archive("word/document.xml")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a/b.MD", b"", "markdown"),
        ("x.py", b"", "code"),
        ("x.csv", b"", "rows"),
        ("x.json", b"{}", "json"),
        ("README", b"hello", "text"),
        ("x.unknown", b"plain", "text"),
        ("x.pdf", b"%PDF-1.7", "pdf"),
        ("x.pdf", b"\nwritten by a printer\n%PDF-1.7", "pdf"),
        ("no-suffix", b"%PDF-1.7", "pdf"),
        ("no-suffix", DOCX, "docx"),
        ("x.docx", DOCX, "docx"),
        ("x.odt", archive(mimetype="application/vnd.oasis.opendocument.text"), "odt"),
        ("x.epub", archive(mimetype="application/epub+zip"), "epub"),
        ("x.txt", b"<!DOCTYPE html><p>a page as text</p>", "text"),
    ],
)
def test_format(name, data, kind):
    assert format_of(name, data) == kind


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("x.png", b"", ".png files hold no text"),
        ("x.doc", b"", "save it as .docx"),
        ("x.ods", b"", "save it as .xlsx"),
        ("x.txt", b"%PDF-1.7", "is a PDF, but named .txt: rename it to .pdf"),
        ("x.md", DOCX, "is a Word document, but named .md: rename it to .docx"),
        ("x.xlsx", DOCX, "is a Word document, but named .xlsx: rename it to .docx"),
        ("x.pdf", b"<html>", "is an HTML page, but named .pdf: rename it to .html"),
        ("x.docx", b"hello", r"is no \.docx: damaged"),
        ("x.docx", DOCX[:40], r"is no \.docx: damaged"),
        ("x.py", b"\x7fELF", "is a program, but named .py$"),
        ("x", b"\x89PNG", "is a PNG image, which holds no text"),
    ],
)
def test_rejections_say_what_it_is_and_what_to_do(name, data, reason):
    with pytest.raises(ValueError, match=reason):
        format_of(name, data)


@pytest.mark.parametrize("text", [b"ID3 tags are explained here", b"GIF89 was a format", b"PK is a name", b"MZ", b""])
def test_text_that_begins_like_a_signature_is_text(text):
    assert signature_of(text) is None
