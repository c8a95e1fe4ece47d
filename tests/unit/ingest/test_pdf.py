"""PDF: pages, headings by size, pages without text named, broken files told apart."""

import pytest

from ingest.pdf import parse_pdf
from tests.unit.ingest.pdf_writer import write_pdf


def test_pages_and_headings():
    document = parse_pdf(
        write_pdf(
            [
                [(20, "Pump manual"), (12, "Prime the pump before first use, with two litres.")],
                [],
                [(12, "Page three.")],
            ]
        )
    )
    assert [(b.kind, b.place) for b in document.blocks] == [
        ("heading", "page 1"),
        ("text", "page 1"),
        ("text", "page 3"),
    ]
    assert document.title == "Pump manual"
    assert "2" in document.notes


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"hello", "not a PDF"), (write_pdf([[], []]), "no text layer"), (b"%PDF-1.4\n garbage", "damaged")],
)
def test_errors_name_the_trouble(data, reason):
    with pytest.raises(ValueError, match=reason):
        parse_pdf(data)


def test_truncated():
    whole = write_pdf([[(12, "Some text that stands on a page of this file.")]])
    with pytest.raises(ValueError, match=r"damaged|no text"):
        parse_pdf(whole[: len(whole) // 3])
