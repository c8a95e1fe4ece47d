"""Places: lines, rows, pages and paths, as people name them."""

from dataclasses import replace

import pytest

from ingest.blocks import Block, ParsedDocument
from ingest.chunks import make_chunks


def count(texts):
    return [len(text.split()) for text in texts]


def one(text, *blocks, kind="text", limit=50):
    return make_chunks(replace(ParsedDocument(text, blocks), format=kind), limit, count)


@pytest.mark.parametrize(
    ("text", "start", "end", "lines"),
    [
        ("one\ntwo", 0, 7, (1, 2)),
        ("one\ntwo\nthree", 4, 7, (2, 2)),
        ("\n\none", 2, 5, (3, 3)),
        ("a\n\nb", 0, 4, (1, 3)),
    ],
)
def test_lines_count_from_one(text, start, end, lines):
    (chunk,) = one(text, Block("text", start, end))
    assert (chunk.first_line, chunk.last_line) == lines
    assert text.split("\n")[lines[0] - 1] == chunk.text.split("\n")[0]


def test_lines_name_what_has_no_heading_and_are_kept_where_there_is_one():
    (plain,) = one("one\ntwo", Block("text", 0, 7))
    assert plain.locator == "lines 1-2"
    (titled,) = one("# A\none", Block("heading", 0, 3, 1, "A"), Block("text", 4, 7))
    assert (titled.locator, titled.first_line, titled.last_line) == ("A", 1, 2)


def test_extracted_text_has_paragraphs_not_lines():
    chunks = one("one two\n\nthree four", Block("text", 0, 7), Block("text", 9, 19), kind="odt", limit=16)
    assert [(c.locator, c.first_line) for c in chunks] == [("paragraphs 1-2", None)]


def test_pages():
    (chunk,) = one("hello", Block("text", 0, 5, page=3, place="page 3"), kind="pdf")
    assert (chunk.locator, chunk.place, chunk.page) == ("page 3", "page 3", 3)


def test_a_heading_at_the_foot_of_a_page_goes_with_its_text():
    heading = Block("heading", 0, 4, 1, "Care", 2, "page 2")
    (chunk,) = one("Care\n\nClean it.", heading, Block("text", 6, 15, page=3, place="page 3"), kind="pdf")
    assert (chunk.locator, chunk.page) == ("page 3: Care", 3)


def test_rows_of_a_sheet_follow_the_parts_of_a_table():
    rows = ["code | text", *(f"E{n} | error number {n}" for n in range(20))]
    text = "\n".join(rows)
    table = Block("table", 0, len(text), place="sheet Codes", head=(0, len(rows[0])), row=4)
    chunks = one(text, table, kind="xlsx", limit=24)
    assert len(chunks) > 3
    seen = []
    for chunk in chunks:
        assert chunk.locator == chunk.place
        first, _, last = chunk.place.removeprefix("sheet Codes, ").split(" ")[1].partition("-")
        seen += range(int(first), int(last or first) + 1)
        shown = chunk.text.split("\n")
        assert shown[0] == rows[0]
        assert shown[-1] == rows[int(last or first) - 4]
    assert seen == list(range(4, 25))


@pytest.mark.parametrize(
    ("first", "last", "place"),
    [
        ("parts[3]", "parts[3]", "parts[3]"),
        ("parts[3]", "parts[5]", "parts[3-5]"),
        ("limits > low", "limits > high", "limits > low to high"),
        ("title", "edition", "title to edition"),
        ("a[1]", "b[2]", "a[1] to b[2]"),
    ],
)
def test_paths_of_a_run_are_joined(first, last, place):
    (chunk,) = one("{1} {2}", Block("code", 0, 3, place=first), Block("code", 4, 7, place=last), kind="json")
    assert chunk.locator == chunk.place == place


def test_a_header_is_repeated_before_rows_that_are_blocks_of_their_own():
    text = 'a,b\n1,"two\nlines"\n2,x'
    blocks = [
        Block("table", 0, 3, head=(0, 3)),
        Block("table", 4, 17, head=(0, 3)),
        Block("table", 18, 21, head=(0, 3)),
    ]
    chunks = one(text, *blocks, kind="rows", limit=3)
    assert [c.text for c in chunks] == ['a,b\n1,"two\nlines"', "a,b\n2,x"]
