"""PDF: pages, headings by size and weight, tables, scanned pages, broken files told apart."""

import shutil

import pytest

from ingest.pdf import parse_pdf
from tests.unit.ingest.pdf_writer import write_pdf, write_placed_pdf, write_scanned_pdf


def shape(document):
    return [(b.kind, b.place, document.text[b.start : b.end]) for b in document.blocks]


def test_pages_and_headings(monkeypatch):
    monkeypatch.setattr("ingest.pdf.can_read", lambda: False)
    document = parse_pdf(
        write_pdf(
            [
                [(20, "Pump manual"), (12, "Prime the pump before first use, with two litres.")],
                [],
                [(12, "Page three.")],
            ]
        )
    )
    assert [(b.kind, b.place, b.page) for b in document.blocks] == [
        ("heading", "page 1", 1),
        ("text", "page 1", 1),
        ("text", "page 3", 3),
    ]
    assert document.title == "Pump manual"
    assert "page 2" in document.notes
    assert "tesseract" in document.notes


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello", "damaged PDF"),
        (write_pdf([[], []]), "no text layer on any of 2 pages"),
        (b"%PDF-1.4\n garbage", "damaged"),
    ],
)
def test_errors_name_the_trouble(data, reason):
    with pytest.raises(ValueError, match=reason):
        parse_pdf(data)


def test_truncated():
    whole = write_pdf([[(12, "Some text that stands on a page of this file.")]])
    with pytest.raises(ValueError, match=r"damaged|no text"):
        parse_pdf(whole[: len(whole) // 3])


def test_a_table_is_one_block_of_rows_between_the_text_above_and_below():
    rows = [("Code", "Meaning"), ("B101", "Cell voltage low"), ("B102", "Fan blocked"), ("B103", "Sensor lost")]
    items = [(72, 700, 11, "The codes of the battery are listed here, each with its meaning.")]
    items += [(x, 660 - 16 * n, 11, text) for n, row in enumerate(rows) for x, text in zip((72, 180), row, strict=True)]
    items += [(72, 560, 11, "Call the desk when a code is not in this list of codes.")]
    document = parse_pdf(write_placed_pdf([items]))
    assert shape(document) == [
        ("text", "page 1", "The codes of the battery are listed here, each with its meaning."),
        ("table", "page 1", "Code | Meaning\nB101 | Cell voltage low\nB102 | Fan blocked\nB103 | Sensor lost"),
        ("text", "page 1", "Call the desk when a code is not in this list of codes."),
    ]
    assert document.text[slice(*document.blocks[1].head)] == "Code | Meaning"


def test_running_headers_and_footers_are_left_out():
    pages = [
        [
            (72, 770, 9, f"Pump manual {n}"),
            (72, 700, 11, f"Text number {n} stands on this page."),
            (300, 20, 9, f"Page {n}"),
        ]
        for n in range(1, 4)
    ]
    document = parse_pdf(write_placed_pdf(pages))
    assert [text for _, _, text in shape(document)] == [f"Text number {n} stands on this page." for n in range(1, 4)]


def test_lines_of_other_size_or_with_more_space_between_are_blocks_of_their_own():
    items = [(72, 700, 14, "Care"), (72, 684, 11, "Clean the vents twice a year."), (72, 671, 11, "Use a dry brush.")]
    items += [(72, 651, 11, "Never use water.")]
    document = parse_pdf(write_placed_pdf([items]))
    assert [(kind, text) for kind, _, text in shape(document)] == [
        ("heading", "Care"),
        ("text", "Clean the vents twice a year.\nUse a dry brush."),
        ("text", "Never use water."),
    ]


@pytest.fixture(scope="module")
def scanned():
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (1700, 2200), 255)
    draw = ImageDraw.Draw(picture)
    for n, line in enumerate(["Prime the pump with two litres of water", "before the first use of the machine."]):
        draw.text((150, 300 + 90 * n), line, font=ImageFont.load_default(56), fill=0)
    return write_scanned_pdf("The first page has a text layer.", *picture.size, picture.tobytes())


def test_scanned_pages_are_read_where_tesseract_is_installed_and_named_where_not(scanned):
    document = parse_pdf(scanned)
    assert document.blocks[0].place == "page 1"
    if shutil.which("tesseract"):
        assert "read by OCR: page 2" in document.notes
        assert "prime the pump with two litres" in document.text.lower()
        assert document.blocks[1].place == "page 2 (OCR)"
        assert document.blocks[1].page == 2
    else:
        assert "not read" in document.notes
        assert "page 2" in document.notes


def test_without_tesseract_a_scanned_document_says_what_to_install(monkeypatch):
    monkeypatch.setattr("ingest.pdf.can_read", lambda: False)
    with pytest.raises(ValueError, match="apt-get install tesseract-ocr"):
        parse_pdf(write_pdf([[], []]))
