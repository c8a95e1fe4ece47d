"""Neighbours become one passage whose text is the document's; nothing else does."""

from core.joined_text import join_rows
from retriever.joining import Hit, join_hits
from tests.unit.retriever.rows import make_row

TEXT = "First sentence of it.\n\nSecond one.\n    indented third\n\nAnother part."
CUTS = [(0, 21), (23, 34), (39, 53), (55, 68)]
ROWS = [make_row(TEXT[a:b], n, start=a) for n, (a, b) in enumerate(CUTS)]


def hits(*rows, corpus="c"):
    return [Hit(row, corpus, 1.0 - rank / 10, rank) for rank, row in enumerate(rows)]


def test_neighbours_are_joined_whatever_their_order():
    (document,) = join_hits(hits(ROWS[1], ROWS[0]), 5)
    assert document.page_content == TEXT[0:34]
    meta = document.metadata
    assert (meta["start"], meta["end"], meta["ordinal"], meta["score"], meta["id"]) == (0, 34, 0, 1.0, "a.md-1")
    assert [(part["rank"], document.page_content[part["from"] : part["to"]]) for part in meta["parts"]] == [
        (1, TEXT[0:21]),
        (0, TEXT[23:34]),
    ]


def test_a_chunk_between_two_passages_makes_them_one():
    (document,) = join_hits(hits(ROWS[0], ROWS[2], ROWS[1]), 5)
    assert len(document.page_content) == 53
    assert document.page_content.split() == TEXT[:53].split()


def test_k_counts_passages_and_the_rest_is_not_read():
    far = make_row("far away", 9)
    read = []

    def ranking():
        for hit in hits(ROWS[0], far, ROWS[1], make_row("third", 20), ROWS[2]):
            read.append(hit.rank)
            yield hit

    documents = join_hits(ranking(), 2)
    assert [d.metadata["ordinal"] for d in documents] == [0, 9]
    assert documents[0].metadata["end"] == 34
    assert read == [0, 1, 2, 3]


def test_other_sections_sources_corpora_and_gaps_stay_apart():
    alone = [
        make_row("x", 1, start=23, headings='["A", "C"]'),
        make_row("x", 1, start=23, source="b.md"),
        make_row("x", 2, start=23),
        make_row("x", 1, start=2000),
    ]
    for row in alone:
        assert len(join_hits(hits(ROWS[0], row), 5)) == 2
    here, there = hits(ROWS[0], ROWS[1])
    assert len(join_hits([here, Hit(there.row, "other", 0.5, 1)], 5)) == 2


def test_a_repeated_table_header_stands_once():
    head = "| a | b |\n|---|---|"
    first = make_row(f"{head}\n| 1 | 2 |", 0, start=0)
    second = make_row(f"{head}\n| 3 | 4 |", 1, start=30) | {"end": 39}
    (document,) = join_hits(hits(first, second), 5)
    assert document.page_content == f"{head}\n| 1 | 2 |\n| 3 | 4 |"
    assert document.metadata["parts"][1]["head"] == head + "\n"
    other = make_row("| x |\n|---|\n| 3 |", 1, start=30) | {"end": 35}
    assert len(join_hits(hits(first, other), 5)) == 2


def test_places_become_ranges():
    def joined(*places):
        rows = [
            make_row("text", n, start=10 * n, page=n + 3, place=place, locator=f"{place}: A > B")
            for n, place in enumerate(places)
        ]
        return join_hits(hits(*rows), 5)[0].metadata

    pages = joined("page 3", "page 4")
    assert (pages["locator"], pages["place"]) == ("pages 3-4: A > B", "pages 3-4")
    assert (pages["page"], pages["last_page"]) == (3, 4)
    assert joined("sheet Prices, rows 4-9", "sheet Prices, rows 10-15")["place"] == "sheet Prices, rows 4-15"
    assert joined("page 3", "page 3")["place"] == "page 3"
    assert joined("cover", "page 2")["place"] == "cover to page 2"


def test_lines_without_headings_become_ranges():
    rows = [make_row("text", n, start=6 * n, headings="[]", locator=f"lines {3 * n + 1}-{3 * n + 3}") for n in (0, 1)]
    assert join_hits(hits(*rows), 5)[0].metadata["locator"] == "lines 1-6"


def test_a_whole_document_is_as_long_as_it_was():
    text, _ = join_rows(ROWS)
    assert len(text) == len(TEXT)
    assert text.split() == TEXT.split()
    assert all(text[a:b] == TEXT[a:b] for a, b in CUTS)
