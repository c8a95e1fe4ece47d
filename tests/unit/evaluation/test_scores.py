"""One answer against one example."""

import pytest

from core.arms import parse_arm
from core.types import Answer, Citation, Evidence, Example, Passage
from evaluation.scores import score_answer

RAG, BASE = parse_arm("rag"), parse_arm("base")
PROSE = Example(
    id="p",
    question="When?",
    answer="Prune it in May.",
    evidence=(Evidence(source="a.md", quote="in May"), Evidence(source="b.md", quote="not in June")),
)
OBJECT = Example(id="o", question="When?", answer={"month": "May"}, format="json")
NONE = Example(id="n", question="Why?", answerable=False, format="yaml")
PASSAGES = [
    Passage(number=1, source="a.md", locator="", text="Prune in\nMay."),
    Passage(number=2, source="c.md", locator="", text="Something in May."),
    Passage(number=3, source="b.md", locator="", text="But not in  June."),
]


def cite(*numbers: int) -> list[Citation]:
    return [Citation(number=n, source="", locator="", quote="") for n in numbers]


def prose(**changes) -> Answer:
    return Answer(**{"text": "Prune it in May [1].", "format": "text", "passages": PASSAGES} | changes)


def test_prose_is_scored_without_its_marks_and_apart_from_fields():
    score = score_answer(PROSE, prose(), BASE)
    assert score.prose_f1 == 1.0
    assert score.prose_recall == 1.0
    assert score.field_em is None
    assert score.valid is None


@pytest.mark.parametrize("arm", [RAG, BASE])
def test_a_refusal_of_an_answerable_question_scores_0_even_if_its_text_is_right(arm):
    score = score_answer(PROSE, prose(refused=True), arm)
    assert (score.prose_f1, score.prose_recall) == (0.0, 0.0)
    held = Answer(text="", answer={"month": "May"}, format="json", refused=True)
    assert score_answer(OBJECT, held, arm).field_em == 0.0


def test_what_does_not_parse_scores_0_and_is_invalid():
    score = score_answer(OBJECT, Answer(text="May", answer=None, format="json", valid=False), BASE)
    assert score.field_em == 0.0
    assert score.valid is False


def test_what_parses_but_breaks_the_schema_keeps_its_right_fields():
    broken = Answer(text="", answer={"month": "May", "x": 1}, format="json", valid=False)
    score = score_answer(OBJECT, broken, BASE)
    assert score.field_em == 1.0
    assert score.valid is False


def test_a_cut_answer_is_not_valid():
    cut = Answer(text="", answer={"month": "May"}, format="json", finish_reason="length")
    assert score_answer(OBJECT, cut, BASE).valid is False


def test_a_structured_refusal_is_valid_and_unanswerable_questions_have_no_content_score():
    score = score_answer(NONE, Answer(text="null", format="yaml", refused=True), RAG)
    assert score.valid is True
    assert (score.field_em, score.prose_f1, score.evidence) == (None, None, None)


def test_a_failed_question_scores_0_where_content_applies_and_nothing_where_it_does_not():
    score = score_answer(OBJECT, None, RAG)
    assert (score.failed, score.field_em, score.valid) == (True, 0.0, False)
    assert (score.seconds, score.prompt_tokens, score.evidence) == (None, None, None)
    assert score_answer(NONE, None, RAG).field_em is None


@pytest.mark.parametrize(
    ("passages", "found"), [(PASSAGES, True), (PASSAGES[:2], False), (PASSAGES[1:], False), ([], False)]
)
def test_evidence_is_found_when_every_quote_stands_in_a_passage_of_its_source(passages, found):
    assert score_answer(PROSE, prose(passages=passages), RAG).evidence is found


def test_evidence_and_citations_do_not_apply_without_retrieval():
    score = score_answer(PROSE, prose(citations=cite(1)), BASE)
    assert (score.evidence, score.cites_evidence, score.citations) == (None, None, 0)


@pytest.mark.parametrize(
    ("cited", "correct", "right", "quotes_cited"),
    [((1,), True, 1, 1), ((2,), False, 0, 0), ((2, 3), True, 1, 1), ((1, 3), True, 2, 2), ((), False, 0, 0)],
)
def test_a_citation_is_right_when_its_passage_holds_a_quote(cited, correct, right, quotes_cited):
    score = score_answer(PROSE, prose(citations=cite(*cited)), RAG)
    assert score.cites_evidence is correct
    assert (score.citations, score.right_citations) == (len(cited), right)
    assert (score.quotes, score.quotes_cited) == (2, quotes_cited)


def test_a_refusal_is_not_asked_for_citations():
    score = score_answer(PROSE, prose(refused=True), RAG)
    assert score.evidence is True
    assert (score.cites_evidence, score.quotes) == (None, 0)


def test_k_precision_is_the_share_of_words_that_the_passages_hold():
    assert score_answer(PROSE, prose(text="Prune never in May. [2]"), RAG).k_precision == pytest.approx(3 / 4)
