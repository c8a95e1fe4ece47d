"""Chunks: verbatim slices, never over two headings, rows with their header, bullets with their heading path."""

from ingest.blocks import Block, ParsedDocument
from ingest.chunks import make_chunks


def count(texts):
    return [len(text.split()) for text in texts]


def document(*parts):
    """Parts are (kind, text) or (kind, text, level)."""
    text, blocks = "", []
    for kind, content, *level in parts:
        head = (len(text), len(text) + len(content.split("\n")[0])) if kind == "table" else None
        label = content.lstrip("# ") if kind == "heading" else ""
        blocks.append(Block(kind, len(text), len(text) + len(content), *(level or [0]), label=label, head=head))
        text += content + "\n\n"
    return ParsedDocument(text, tuple(blocks))


def test_small_sections_stay_apart_with_their_heading_path():
    chunks = make_chunks(
        document(("heading", "# A", 1), ("text", "one two"), ("heading", "## B", 2), ("text", "three")), 50, count
    )
    assert [(c.headings, c.text, c.locator) for c in chunks] == [
        (("A",), "# A\n\none two", "A"),
        (("A", "B"), "## B\n\nthree", "A > B"),
    ]
    assert chunks[1].embedded == "A > B\n## B\n\nthree"


def test_a_heading_without_text_joins_the_section_below():
    chunks = make_chunks(document(("heading", "# A", 1), ("heading", "## B", 2), ("text", "three")), 50, count)
    assert [(c.headings, c.text) for c in chunks] == [(("A", "B"), "# A\n\n## B\n\nthree")]


def test_items_are_packed_whole_and_evenly():
    items = [("item", f"- item {n} with six words here") for n in range(10)]
    doc = document(("heading", "# A", 1), *items)
    chunks = make_chunks(doc, 33, count)
    assert all(c.text.count("- item") in (2, 3, 4) for c in chunks)
    assert sum(c.text.count("- item") for c in chunks) == 10
    assert all(doc.text[c.start : c.end] == c.text for c in chunks)
    assert all(c.headings == ("A",) for c in chunks)


def test_a_short_lead_in_goes_with_what_it_introduces():
    long = "word " * 14
    chunks = make_chunks(
        document(("heading", "# A", 1), ("text", long.strip()), ("text", "For example:"), ("code", "x " * 9)), 24, count
    )
    assert [("For example:" in c.text, "x x" in c.text) for c in chunks] == [(False, False), (True, True)]


def test_long_paragraphs_are_cut_at_sentences_and_nothing_is_lost():
    text = " ".join(f"This is sentence number {n} of it." for n in range(20))
    chunks = make_chunks(document(("text", text)), 30, count)
    assert len(chunks) > 3
    assert all(c.text.endswith(".") and count([c.text])[0] <= 30 for c in chunks)
    assert " ".join(c.text for c in chunks) == text


def test_rows_of_a_long_table_carry_its_header():
    rows = "code | meaning\n" + "\n".join(f"E{n} | error number {n}" for n in range(30))
    doc = document(("table", rows))
    chunks = make_chunks(doc, 20, count)
    assert len(chunks) > 3
    assert all(c.text.startswith("code | meaning\n") for c in chunks)
    assert all(doc.text[c.start : c.end] in c.text for c in chunks)


def test_an_empty_first_cell_stays_in_every_part_of_a_table():
    rows = "\tname\n" + "\n".join(f"{n}\terror number {n}" for n in range(30))
    chunks = make_chunks(document(("table", rows)), 20, count)
    assert len(chunks) > 3
    assert all(c.text.startswith("\tname\n") for c in chunks)


def test_one_endless_word_ends():
    chunks = make_chunks(document(("text", "x" * 5000)), 16, lambda texts: [len(t) for t in texts])
    assert "".join(c.text for c in chunks) == "x" * 5000
