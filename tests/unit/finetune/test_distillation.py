"""Which answers of a teacher the student may learn, over which passages, and what the report makes of the figures."""

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from core.types import Answer, Citation, Example, Passage, Usage
from finetune.distillation import (
    Distillation,
    RightPassages,
    TeacherAnswer,
    count_reasons,
    student_examples,
    verify,
)
from tests.unit.finetune.conftest import example as line

QUOTE = "Prune the quince in May."
PASSAGES = [
    Passage(number=1, source="rose.md", locator="", text="Roses want sun."),
    Passage(number=2, source="prune.md", locator="", text=f"{QUOTE} Use clean shears."),
]


def example(**changes) -> Example:
    return Example.model_validate(line("quince", **changes))


def prose(**changes) -> Example:
    return example(**{"format": "text", "schema": None, "answer": "Prune the quince in May.", **changes})


def answer(value, cited=(2,), **fields) -> Answer:
    text = value if isinstance(value, str) else "{}"
    citations = [Citation(number=n, source="x", locator="", quote="q") for n in cited]
    return Answer(
        text=text, answer=value, format="text" if isinstance(value, str) else "json", citations=citations,
        passages=PASSAGES, usage=Usage(prompt_tokens=300, completion_tokens=20), **fields,
    )  # fmt: skip


RIGHT = {"plant": "Quince", "month": "may"}


@pytest.mark.parametrize(
    ("asked", "said", "reason"),
    [
        (example(), answer(RIGHT), None),
        (example(), answer({"plant": "quince", "month": "June"}), "other than the reference"),
        (example(), answer(RIGHT, cited=(1,)), "cites otherwise"),
        (example(), answer(RIGHT, valid=False), "invalid"),
        (example(), answer(None, refused=True), "refused"),
        (example(), None, "no answer"),
        (example(answerable=False), answer(None, cited=(), refused=True), None),
        (example(answerable=False), answer(RIGHT), "no refusal"),
        (prose(), answer("In May, you prune the quince with clean shears. [2]"), None),
        (prose(), answer("Quince wants a lot of sun and a mild place. [2]"), "other than the reference"),
        (prose(answer="Prune at 12 cm."), answer("Prune at 13 cm. [2]"), "other than the reference"),
        (
            prose(),
            answer("Prune the quince in May, says HY-311. [2]"),
            "answer says what the chunk does not",
        ),
    ],
)
def test_only_what_the_reference_says_is_learnt(asked, said, reason):
    assert verify(asked, said).reason == reason


def test_the_student_learns_the_teachers_words_without_marks():
    asked = [prose(), example(id="e-2"), example(id="e-3", answerable=False)]
    said = [
        answer("Prune the quince in May, please. [2]"),
        answer({"plant": "x", "month": "y"}),
        answer(None, refused=True),
    ]
    answers = [verify(a, s) for a, s in zip(asked, said, strict=True)]
    learnt = student_examples(asked, answers)
    assert [e.id for e in learnt] == ["e-quince", "e-3"]
    assert learnt[0].answer == "Prune the quince in May, please."
    assert learnt[1].answer == asked[2].answer
    assert answers[0].prompt_tokens == 300
    assert count_reasons(answers) == {"other than the reference": 1}


class Leaflets(BaseRetriever):
    """Finds the quince's leaflet only when its own sentence is searched."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = [Document(page_content="Roses want sun.", metadata={"source": "rose.md"})]
        if query == QUOTE:
            found.append(Document(page_content=f"{QUOTE} Use shears.", metadata={"source": "prune.md"}))
        return found


def test_the_teacher_sees_the_right_passages_and_no_others():
    right = RightPassages(inner=Leaflets(), examples={"Q?": example(), "None?": example(answerable=False)})
    assert [d.metadata["source"] for d in right.invoke("Q?")] == ["prune.md"]
    assert [d.metadata["source"] for d in right.invoke("None?")] == ["rose.md"]
    assert [d.metadata["source"] for d in right.invoke("Other?")] == ["rose.md"]


def test_the_report_says_what_is_kept_and_saved():
    report = Distillation(
        teacher="big", student="garden@1", asked=100, verified=60, reasons={"invalid": 10, "refused": 30}, questions=50,
        measure="field_em", teacher_quality=0.8, student_quality=0.6, teacher_tokens=(900.0, 100.0),
        student_tokens=(300.0, 50.0),
    )  # fmt: skip
    assert report.kept == pytest.approx(0.75)
    assert report.saved == pytest.approx(0.65)
    text = "\n".join(report.lines())
    assert "60 of 100 answers; the others: 30 refused, 10 invalid" in text
    assert "60.0 against 80.0, 75% of the teacher's" in text
    assert "saved       65%" in text
    assert "67% of its prompt" in text
    assert "cost        unknown" in text
    nothing = report.model_copy(update={"teacher_quality": 0.0})
    assert nothing.kept is None
    priced = report.model_copy(update={"teacher_cost": 0.5, "student_cost": 0.2, "currency": "EUR"})
    assert priced.cost_saved == pytest.approx(0.6)
    assert "cost        0.2 EUR per 1,000 answers against 0.5, 60% saved" in "\n".join(priced.lines())
    dearer = report.model_copy(update={"teacher_cost": 0.5, "student_cost": 0.6})
    assert "-20% saved" in "\n".join(dearer.lines())


def test_a_failed_answer_has_its_reason():
    assert count_reasons([TeacherAnswer(id="a", reason="failed: ServeError")]) == {"failed: ServeError": 1}
