"""Classes of misses, one rule at a time."""

import asyncio

import pytest

from core.arms import parse_arm
from core.types import Answer, Evidence, Example, Passage
from evaluation.misses import REMEDIES, classify, explain_retrieval, is_hit
from evaluation.scores import score_answer

RAG, BASE = parse_arm("rag"), parse_arm("base")
EVIDENCE = (Evidence(source="a.md", quote="Prune quince in February"),)
RIGHT = Passage(number=1, source="a.md", locator="Quince", text="Prune quince in February, before growth starts.")
OTHER = Passage(number=2, source="b.md", locator="Sage", text="Prune sage in April, after the frost.")
OBJECT = Example(id="o", question="When?", answer={"month": "February"}, format="json", evidence=EVIDENCE)
PROSE = Example(id="p", question="When?", answer="In February, before growth starts.", evidence=EVIDENCE)
NONE = Example(id="n", question="Why?", answerable=False)


def class_of(example: Example, answer: Answer, arm=RAG, why=None):
    return classify(example, answer, score_answer(example, answer, arm), why)


def structured(value, passages=(RIGHT, OTHER), **changes) -> Answer:
    return Answer(**{"text": "", "answer": value, "format": "json", "passages": list(passages)} | changes)


def prose(text, passages=(RIGHT, OTHER), **changes) -> Answer:
    return Answer(**{"text": text, "format": "text", "passages": list(passages)} | changes)


@pytest.mark.parametrize(
    ("example", "answer", "expected"),
    [
        (OBJECT, structured({"month": "february"}), None),
        (OBJECT, structured({"month": "before growth starts"}), "wrong_field"),
        (OBJECT, structured({"month": "April"}), "ignored"),
        (OBJECT, structured({"month": "December"}), "unsupported"),
        (OBJECT, structured({}), "wrong_field"),
        (OBJECT, structured(None, valid=False), "wrong_format"),
        (OBJECT, structured({"month": "February"}, valid=False), "wrong_format"),
        (OBJECT, structured({"month": "February"}, finish_reason="length"), "wrong_format"),
        (OBJECT, structured(None, refused=True), "wrong_refusal"),
        (OBJECT, structured({"month": "April"}, [OTHER]), "not_retrieved"),
        (OBJECT, structured(None, [OTHER], refused=True), "not_retrieved"),
        (PROSE, prose("In February, before growth starts [1]."), None),
        (PROSE, prose("Prune quince."), "wrong_field"),
        (PROSE, prose("Prune sage in April, after the frost."), "ignored"),
        (PROSE, prose("Nobody ever knows these things."), "unsupported"),
        (PROSE, prose("In February, before growth starts, and " + "so on and on " * 8), "wrong_style"),
        (NONE, prose("Because."), "unsupported"),
        (NONE, prose("Not found.", refused=True), None),
    ],
)
def test_classes_with_retrieval(example, answer, expected):
    assert class_of(example, answer) == expected


def test_an_answer_right_by_luck_without_its_evidence_is_a_hit():
    assert class_of(OBJECT, structured({"month": "February"}, [OTHER])) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (structured({"month": "April"}, []), "unsupported"),
        (structured({}, []), "unsupported"),
        (structured(None, [], refused=True), "wrong_refusal"),
        (structured(None, [], valid=False), "wrong_format"),
    ],
)
def test_classes_without_retrieval(answer, expected):
    assert class_of(OBJECT, answer, BASE) == expected


def test_the_retrieval_class_is_used_only_where_evidence_was_missing():
    assert class_of(OBJECT, structured({"month": "April"}, [OTHER]), why="below_budget") == "below_budget"
    assert class_of(OBJECT, structured({"month": "April"}), why="below_budget") == "ignored"


def test_a_failed_question_has_no_class_and_is_no_hit():
    score = score_answer(OBJECT, None, RAG)
    assert classify(OBJECT, None, score) is None
    assert not is_hit(OBJECT, score)


def test_an_object_whose_fields_the_question_gave_away_is_a_hit_when_valid():
    echoed = Example(id="e", question="February?", answer={"month": "February"}, format="json")
    assert class_of(echoed, structured({"month": "March"})) is None


@pytest.mark.parametrize(
    ("indexed", "ranked", "expected"),
    [([], [], "not_in_corpus"), ([RIGHT], [OTHER], "not_retrieved"), ([RIGHT], [OTHER, RIGHT], "below_budget")],
)
def test_why_evidence_did_not_reach_the_prompt(indexed, ranked, expected):
    async def search(text: str, k: int) -> list[Passage]:
        return (ranked if text == "When?" else indexed)[:k]

    assert asyncio.run(explain_retrieval(OBJECT, search)) == expected


def test_every_class_names_a_remedy_and_a_command():
    assert len(REMEDIES) == 9
    assert all(r.meaning and r.remedy and r.command.startswith("graft ") for r in REMEDIES.values())
