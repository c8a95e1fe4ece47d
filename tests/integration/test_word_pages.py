"""Pages of Word documents: where Word noted them, where breaks set by hand can be trusted, else none."""

import pytest

from ingest.files import FoundFile
from ingest.pool import ParserPool
from ingest.process import Limits

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages by text, of a document that a function writes."""
    import docx

    path = tmp_path_factory.mktemp("word") / "x.docx"
    with ParserPool(1, Limits(1 << 20)) as pool:

        def parsed(write):
            file = docx.Document()
            write(file)
            file.save(str(path))
            (result,) = pool.parse([FoundFile(path.name, path, 0, 0)])
            assert result.document is not None, result.reason
            text = result.document.text
            return {text[block.start : block.end]: block.page for block in result.document.blocks}

        yield parsed


def test_breaks_set_by_hand_count_pages(pages):
    def write(file):
        for name in ("one", "two", "three"):
            file.add_paragraph(name)
            file.add_page_break()
        file.add_paragraph("four")

    assert pages(write) == {"one": 1, "two": 2, "three": 3, "four": 4}


def test_a_document_without_breaks_has_no_pages(pages):
    assert pages(lambda file: file.add_paragraph("one")) == {"one": None}


def test_text_that_overflows_a_page_takes_the_numbers_away(pages):
    def write(file):
        for _ in range(60):
            file.add_paragraph("a line")
        file.add_page_break()
        file.add_paragraph("last")

    assert pages(write) == {"a line": None, "last": None}


def test_styles_and_sections_that_begin_pages_take_the_numbers_away(pages):
    def by_style(file):
        file.styles["Heading 1"].paragraph_format.page_break_before = True
        file.add_heading("one", 1)
        file.add_page_break()
        file.add_paragraph("two")

    def by_section(file):
        file.add_paragraph("one")
        file.add_section()
        file.add_page_break()
        file.add_paragraph("two")

    assert pages(by_style) == pages(by_section) == {"one": None, "two": None}
