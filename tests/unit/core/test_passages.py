"""From documents to passages within a budget, and from an answer back to verbatim quotes."""

from langchain_core.documents import Document

from core.passages import QUOTE_LIMIT, best_quote, contains_quote, to_citations, to_passages
from core.types import Passage


def count(text):
    return len(text.split())


def document(words, source="a.md"):
    return Document(page_content=" ".join(["word"] * words), metadata={"source": source, "locator": "L", "score": 0.5})


def test_passages_are_numbered_in_order_and_keep_their_place():
    passages = to_passages([document(3), document(3, "b.md")], 100, count)
    assert [(p.number, p.source, p.locator, p.score) for p in passages] == [
        (1, "a.md", "L", 0.5),
        (2, "b.md", "L", 0.5),
    ]


def test_the_whole_prompt_text_of_passages_keeps_the_budget():
    passages = to_passages([document(20) for _ in range(10)], 100, count)
    assert 0 < len(passages) < 5
    assert sum(count(p.text) for p in passages) <= 100


def test_one_that_does_not_fit_leaves_room_for_later_ones():
    passages = to_passages([document(10), document(90), document(5)], 50, count)
    assert [count(p.text) for p in passages] == [10, 5]
    assert [p.number for p in passages] == [1, 2]


def test_the_first_enters_whatever_its_size():
    assert len(to_passages([document(500), document(1)], 10, count)) == 1


def test_no_documents_no_passages():
    assert to_passages([], 10, count) == []


def test_a_document_without_metadata_is_a_passage():
    assert to_passages([Document(page_content="x")], 10, count)[0] == Passage(number=1, source="", locator="", text="x")


def test_citations_without_a_passage_are_dropped():
    passages = [Passage(number=1, source="a.md", locator="L", text="Prune in May. Water in June.")]
    (citation,) = to_citations([7, 1, 0], passages, "in June")
    assert (citation.number, citation.quote) == (1, "Water in June.")


def test_a_quote_is_verbatim_and_the_best_line():
    text = "Heading\nThe default is 3600 seconds, one hour.\nSee also: nothing."
    quote = best_quote(text, "3600 seconds")
    assert quote == "The default is 3600 seconds, one hour."
    assert quote in text


def test_a_quote_is_short_and_never_fails():
    assert len(best_quote("a " * 900, "a")) <= QUOTE_LIMIT
    assert best_quote("", "x") == ""
    assert best_quote("....\n....", "x") == "...."


def test_contains_quote_folds_white_space_and_heeds_the_source():
    passages = [
        Passage(number=1, source="a.md", locator="", text="Prune  quince\nin February."),
        Passage(number=2, source="b.md", locator="", text="Prune quince in February."),
    ]
    assert contains_quote(passages, "a.md", "Prune quince in\n February") == [1]
    assert contains_quote(passages, "a.md", "prune quince") == []


def joined(*sizes, ranks=None):
    """A document of neighbouring chunks of so many words, the way the retriever joins them."""
    words = [" ".join([f"w{n}"] * size) for n, size in enumerate(sizes)]
    text, parts, at = " ".join(words), [], 0
    for n, word in enumerate(words):
        rank = (ranks or range(len(words)))[n]
        parts.append({"from": at, "to": at + len(word), "head": "", "rank": rank, "locator": f"page {n}: L"})
        parts[-1] |= {"start": 100 + at, "end": 100 + at + len(word), "page": n}
        at += len(word) + 1
    meta = {"source": "a.md", "locator": "pages", "rank": min(p["rank"] for p in parts), "start": 100, "end": 99 + at}
    return Document(page_content=text, metadata=meta | {"page": 0, "parts": parts})


def test_a_joined_document_enters_whole_when_it_fits():
    document = joined(3, 4)
    (passage,) = to_passages([document], 100, count)
    assert (passage.text, passage.start, passage.end) == (document.page_content, 100, 100 + len(document.page_content))


def test_of_a_joined_document_the_parts_that_fit_enter_best_first():
    (passage,) = to_passages([joined(9, 5, 9, ranks=[2, 0, 1])], 22, count)
    assert passage.text.split() == ["w1"] * 5 + ["w2"] * 9
    assert passage.text == joined(9, 5, 9).page_content[passage.start - 100 : passage.end - 100]
    assert passage.page == 1
    (passage,) = to_passages([joined(9, 5, 9, ranks=[2, 0, 1])], 12, count)
    assert (passage.text.split(), passage.locator) == (["w1"] * 5, "page 1: L")


def test_joining_takes_no_room_from_a_better_hit():
    better = document(8, "b.md")
    better.metadata["rank"] = 1
    passages = to_passages([joined(8, 8, ranks=[0, 2]), better], 30, count)
    assert [(p.source, count(p.text)) for p in passages] == [("a.md", 8), ("b.md", 8)]


def test_a_part_that_waits_for_its_neighbour_enters_with_it():
    (passage,) = to_passages([joined(2, 2, 2, ranks=[0, 2, 1])], 100, count)
    assert count(passage.text) == 6


def test_a_table_part_gets_its_header_when_it_stands_first():
    document = joined(4, 4, ranks=[1, 0])
    document.metadata["parts"][1]["head"] = "head\n"
    (passage,) = to_passages([document], 12, count)
    assert passage.text == "head\nw1 w1 w1 w1"


def test_a_citation_knows_where_its_quote_stands():
    text = "| head |\nFirst row here.\nSecond row there."
    place = {"start": 50, "end": 83, "first_line": 7, "last_line": 8, "page": 3, "place": "page 3", "corpus": "c"}
    passage = Passage(number=1, source="a.md", locator="L", text=text, **place)
    (citation,) = to_citations([1], [passage], "second there")
    assert (citation.quote, citation.start, citation.end) == ("Second row there.", 66, 83)
    assert (citation.page, citation.place, citation.corpus) == (3, "page 3", "c")
    assert (citation.first_line, citation.last_line) == (8, 8)


def test_a_quote_from_a_repeated_header_has_no_span():
    passage = Passage(number=1, source="a.md", locator="", text="head word\nrow", start=50, end=53)
    (citation,) = to_citations([1], [passage], "head word")
    assert (citation.quote, citation.start, citation.end) == ("head word", None, None)


def test_a_citation_from_a_joined_passage_names_its_own_page():
    (passage,) = to_passages([joined(3, 3)], 100, count)
    assert [part.page for part in passage.parts] == [0, 1]
    (first,) = to_citations([1], [passage.model_copy(update={"text": passage.text.replace(" w1", "\nw1", 1)})], "w0")
    (second,) = to_citations([1], [passage.model_copy(update={"text": passage.text.replace(" w1", "\nw1", 1)})], "w1")
    assert (first.page, second.page) == (0, 1)
