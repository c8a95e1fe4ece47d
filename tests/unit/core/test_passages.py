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
