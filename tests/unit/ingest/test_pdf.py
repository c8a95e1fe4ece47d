"""PDF: pages, headings by size and weight, tables, scanned pages, broken files told apart."""

import shutil

import pytest

from ingest.pdf import parse_pdf
from tests.unit.ingest.pdf_writer import write_form_pdf, write_objects, write_pdf, write_placed_pdf, write_scanned_pdf


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


def test_glyphs_without_characters_are_no_text(monkeypatch):
    monkeypatch.setattr("ingest.pdf.can_read", lambda: False)
    content = b"BT /F1 12 Tf 72 720 Td <00010002000300040005> Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 /MediaBox [0 0 612 792] >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo 7 0 R >>",
        b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>",
    ]
    with pytest.raises(ValueError, match="no text layer on any of 1 pages"):
        parse_pdf(write_objects(objects))


PAGE = [
    (72, 720, 20, "Pump manual"),
    (72, 690, 11, "The codes of the battery are listed here, each with its meaning."),
    *((72, 660 - 16 * n, 11, code) for n, code in enumerate(("Code", "B101", "B102", "B103"))),
    *((180, 660 - 16 * n, 11, text) for n, text in enumerate(("Meaning", "Cell voltage low", "Fan blocked", "Lost"))),
    (72, 80, 11, "Call the desk when a code is not in this list of codes."),
]
PAGE_BLOCKS = [
    ("heading", "page 1", "Pump manual"),
    ("text", "page 1", "The codes of the battery are listed here, each with its meaning."),
    ("table", "page 1", "Code | Meaning\nB101 | Cell voltage low\nB102 | Fan blocked\nB103 | Lost"),
    ("text", "page 1", "Call the desk when a code is not in this list of codes."),
]


def test_a_page_that_was_put_into_a_form_is_read_like_any_other():
    assert shape(parse_pdf(write_placed_pdf([PAGE]))) == PAGE_BLOCKS
    assert shape(parse_pdf(write_form_pdf([[]], PAGE))) == PAGE_BLOCKS
    assert shape(parse_pdf(write_form_pdf([[(500, 760, 11, "PAID")]], PAGE))) == [
        ("text", "page 1", "PAID"),
        *PAGE_BLOCKS,
    ]


def test_pages_side_by_side_do_not_share_their_tables():
    document = parse_pdf(write_form_pdf([[]], PAGE, b"q 1 0 0 1 300 0 cm /I1 Do Q\n"))
    assert shape(document) == 2 * PAGE_BLOCKS


def test_a_map_in_a_form_is_read_without_weighing_every_pair_of_its_words(monkeypatch):
    from pdfminer.layout import LTLayoutContainer

    group, sizes = LTLayoutContainer.group_textboxes, []

    def counted(page, settings, boxes):
        sizes.append(len(boxes))
        return group(page, settings, boxes)

    monkeypatch.setattr(LTLayoutContainer, "group_textboxes", counted)
    places = [(20 + n % 20 * 28, 300 + n // 20 * 15, 4, f"P{n}") for n in range(500)]
    document = parse_pdf(write_form_pdf([PAGE], places))
    assert {f"P{n}" for n in range(500)} <= set(document.text.split())
    assert max(sizes) < 20


def test_words_of_stamps_and_drawings_are_one_text_and_no_headings_or_tables():
    stamp = [(400, 740, 30, "RECEIVED"), (400, 720, 30, "12.03.2026")]
    stamp += [(x, y, 11, f"{y}") for y in (500, 520, 540) for x in (100, 200, 300)]
    # A watermark, or the name of an axis.
    stamp += [(90, 500, 11, "Accuracy", "on its side")]
    document = parse_pdf(write_form_pdf([PAGE], stamp))
    (*blocks, (kind, _, words)) = shape(document)
    assert blocks == PAGE_BLOCKS
    assert kind == "text"
    assert sorted(words.split()) == ["12.03.2026", *3 * ["500"], *3 * ["520"], *3 * ["540"], "RECEIVED"]
    assert document.title == "Pump manual"


def test_stamps_on_most_pages_are_left_out():
    pages = [[(72, 700 - 20 * n, 11, f"The text with the number {word}.")] for n, word in enumerate("abcde")]
    document = parse_pdf(write_form_pdf(pages, [(400, 740, 30, "DRAFT")]))
    assert [text for _, _, text in shape(document)] == [f"The text with the number {word}." for word in "abcde"]


def test_a_stamp_on_a_scan_does_not_stand_for_its_text(monkeypatch):
    monkeypatch.setattr("ingest.pdf.can_read", lambda: True)
    picture = b"q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q\n"
    data = write_form_pdf([[]], [(400, 740, 12, "RECEIVED")], picture)
    monkeypatch.setattr("ingest.pdf.read_pages", lambda _, numbers: [(n, ["RECEIVED", "Prime it."]) for n in numbers])
    assert shape(parse_pdf(data)) == [("text", "page 1 (OCR)", "RECEIVED"), ("text", "page 1 (OCR)", "Prime it.")]
    monkeypatch.setattr("ingest.pdf.can_read", lambda: False)
    with pytest.raises(ValueError, match="no text layer"):
        parse_pdf(data)


def test_rows_of_dots_are_short_and_parted_words_whole():
    items = [
        (72, 700, 11, "1. Introduction . . . . . . . . . . . . 4"),
        (72, 660, 11, "The instal-"),
        (72, 647, 11, "lation."),
    ]
    document = parse_pdf(write_placed_pdf([items]))
    assert [text for _, _, text in shape(document)] == ["1. Introduction ... 4", "The installation."]


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
