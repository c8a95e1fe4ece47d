"""Of a table the rows that are asked about: never a word of the question less, and every place still right."""

import pytest
from langchain_core.documents import Document

from core.passages import to_citations, to_passages
from retriever.joining import Hit, join_hits
from retriever.narrowing import narrow
from tests.unit.retriever.rows import make_row

HEAD = "SKU | Part | What it is for | Price"
PLUG = "HX-1 | Stacking plug | joins two modules of a tower | 24"
BREAKER = "HX-2 | Breaker | cuts a battery off by hand | 104"
MODULE = "HX-3 | Spare module | replaces one faulty module | 1390"
HEADINGS = '["Roost power path"]'
TABLE = f"Prices\n\n{HEAD}\n{PLUG}\n{BREAKER}\n{MODULE}"


def asked(*words, **weights):
    return dict.fromkeys(words, 1.0) | weights


def document(text=TABLE, source="prices.xlsx", **meta):
    meta = {"source": source, "start": 100, "end": 100 + len(text), "first_line": 7, "last_line": 12} | meta
    return Document(page_content=text, metadata=meta, id="x")


def lines_left(weights, text=TABLE, headings=HEADINGS, **options):
    return narrow(document(text), headings, weights, **options).page_content.split("\n")


def test_the_row_that_is_asked_about_stays_under_its_header():
    assert lines_left(asked("breaker", "hand")) == ["Prices", "", HEAD, BREAKER]
    assert lines_left(asked("faulty")) == ["Prices", "", HEAD, MODULE]


def test_rows_about_as_good_stay():
    assert lines_left(asked("battery", "modules")) == ["Prices", "", HEAD, PLUG, BREAKER, MODULE]


def test_no_word_that_the_table_holds_is_lost():
    left = lines_left(asked("stacking", "plug", "tower", "hand"))
    assert left == ["Prices", "", HEAD, PLUG, BREAKER]


@pytest.mark.parametrize("words", [("zebra",), ("roost", "power"), ("prices", "part"), ()])
def test_where_no_row_is_meant_all_stay(words):
    whole = document()
    assert narrow(whole, HEADINGS, asked(*words)) is whole


def test_words_above_the_rows_do_not_choose():
    text = "Tern 6\n\nProperty | Value\nAC power | 6 kW\nWeight | 22 kg"
    whole = document(text)
    assert narrow(whole, '["Tern 6"]', asked("heavy", "tern", "6")) is whole
    assert narrow(whole, '["Tern"]', asked("weight", "tern")).page_content.endswith("Value\nWeight | 22 kg")


def test_titles_among_the_rows_stay_and_do_not_choose():
    text = "A | B | C\n1 | one | x\nTime zone |  | \n2 | two | y\n3 | three | z"
    assert lines_left(asked("three", "zone"), text) == ["A | B | C", "Time zone |  | ", "3 | three | z"]
    assert lines_left(asked("zone"), text) == text.split("\n")


def test_a_word_inside_another_counts_where_words_are_joined():
    text = "Teil | Zweck\nA | Batterieschalter\nB | Stecker"
    assert lines_left(asked("schalter"), text) == text.split("\n")
    assert lines_left(asked("schalter"), text, inside=True) == text.split("\n")[:2]


@pytest.mark.parametrize("row", [PLUG, BREAKER, MODULE, HEAD])
@pytest.mark.parametrize("words", [("plug",), ("breaker",), ("faulty",), ("plug", "faulty")])
def test_a_quote_of_what_is_left_keeps_its_place(words, row):
    found = narrow(document(), HEADINGS, asked(*words))
    (passage,) = to_passages([found], 1000, len)
    if row not in passage.text:
        return
    (citation,) = to_citations([1], [passage], row)
    assert citation.quote == row
    assert TABLE[citation.start - 100 : citation.end - 100] == row
    assert citation.first_line == citation.last_line == 7 + TABLE[: TABLE.index(row)].count("\n")


def test_places_left_out_are_those_of_the_rows():
    left_out = narrow(document(), HEADINGS, asked("plug", "faulty")).metadata["left_out"]
    assert [TABLE[gap["start"] - 100 : gap["end"] - 100] for gap in left_out] == ["\n" + BREAKER]
    assert [(gap["first_line"], gap["last_line"]) for gap in left_out] == [(11, 11)]
    left_out = narrow(document(), HEADINGS, asked("plug")).metadata["left_out"]
    assert [TABLE[gap["start"] - 100 : gap["end"] - 100] for gap in left_out] == [f"\n{BREAKER}\n{MODULE}"]
    assert [(gap["first_line"], gap["last_line"]) for gap in left_out] == [(11, 12)]


def test_without_places_text_is_narrowed_all_the_same():
    found = narrow(Document(page_content=TABLE, metadata={"source": "prices.xlsx"}), HEADINGS, asked("plug"))
    assert found.page_content.endswith(PLUG)
    assert "left_out" not in found.metadata


# A document of two chunks, the second of which repeats the header.
FIRST, SECOND = f"{HEAD}\n{PLUG}\n{BREAKER}", f"{MODULE}\nHX-4 | Cover | closes the cable entry | 28"
WHOLE = f"{FIRST}\n{SECOND}"


def joined(*words, ranks=(0, 1)):
    rows = [
        make_row(FIRST, 0, "p.xlsx", start=0, first_line=1, last_line=3, place="rows 1-3"),
        make_row(f"{HEAD}\n{SECOND}", 1, "p.xlsx", start=len(FIRST) + 1, first_line=4, last_line=5, place="rows 4-5")
        | {"end": len(WHOLE)},
    ]
    (found,) = join_hits([Hit(rows[i], "c", 0.5, i) for i in sorted(range(2), key=lambda i: ranks[i])], 5)
    assert found.page_content == WHOLE
    return narrow(found, HEADINGS, asked(*words))


@pytest.mark.parametrize("words", [("cover",), ("faulty",), ("breaker",), ("breaker", "cover"), ("plug", "faulty")])
@pytest.mark.parametrize("ranks", [(0, 1), (1, 0)])
@pytest.mark.parametrize("room", [1000, 60, 110])
def test_joined_chunks_keep_every_place(words, ranks, room):
    found = joined(*words, ranks=ranks)
    (passage,) = to_passages([found], room, len)
    rows = passage.text.split("\n")
    assert rows[0] == HEAD
    assert len(rows) > 1
    for row in rows[1:]:
        (citation,) = to_citations([1], [passage], row)
        assert citation.quote == row
        assert WHOLE[citation.start : citation.end] == row
        assert citation.first_line == 1 + WHOLE[: WHOLE.index(row)].count("\n")


def test_a_part_without_rows_leaves_its_header_to_the_next():
    found = joined("cover", ranks=(0, 1))
    assert found.page_content == f"{HEAD}\nHX-4 | Cover | closes the cable entry | 28"
    (part,) = found.metadata["parts"]
    assert (part["from"], part["to"], part["rank"], part["place"]) == (0, len(found.page_content), 0, "rows 4-5")


def test_the_last_part_may_go():
    found = joined("breaker")
    assert found.page_content == f"{HEAD}\n{BREAKER}"
    assert [part["place"] for part in found.metadata["parts"]] == ["rows 1-3"]
    assert found.metadata["parts"][0]["to"] == len(found.page_content)


def test_of_lines_without_a_header_the_first_part_may_go():
    lines = [f'{{"sku": "HX-{n}", "part": "{part}"}},' for n, part in enumerate(("plug", "breaker", "module", "cover"))]
    rows = [
        make_row("\n".join(lines[:2]), 0, "p.json", start=0, first_line=1, last_line=2),
        make_row("\n".join(lines[2:]), 1, "p.json", start=len(lines[0] + lines[1]) + 2, first_line=3, last_line=4),
    ]
    (found,) = join_hits([Hit(row, "c", 0.5, rank) for rank, row in enumerate(rows)], 5)
    (passage,) = to_passages([narrow(found, "[]", asked("cover"))], 1000, len)
    assert passage.text == lines[3]
    (citation,) = to_citations([1], [passage], "cover")
    assert ("\n".join(lines)[citation.start : citation.end], citation.first_line) == (lines[3], 4)
