"""Distillation: a teacher's answers to the training questions, verified by code, become what the student learns.

The teacher gets more than the student will: the right passages and nothing else, worked examples, constrained decoding.
Asks no model itself; knows no trainer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel, ConfigDict

from core.answer_text import fold, without_marks
from core.types import STRUCTURED, Answer, Example
from finetune.similar import names_and_numbers
from finetune.synthesis.asking import LONGEST_ANSWER
from finetune.synthesis.quality import Unfit, check_answer

_LEAST_SHARED_WORDS = 0.5


class TeacherAnswer(BaseModel):
    """What the teacher said to one example; `reason` is why it is not kept, None where it is."""

    model_config = ConfigDict(frozen=True)

    id: str
    answer: Any = None
    reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class RightPassages(BaseRetriever):
    """Gives an example's question the documents that hold its evidence alone; an unanswerable one what is found.

    `inner` is the domain's retriever, `examples` are found by their questions.
    """

    inner: BaseRetriever
    examples: Mapping[str, Example]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002
        found = self.inner.invoke(query)
        example = self.examples.get(query)
        if example is None or not example.answerable or not example.evidence:
            return found
        right: list[Document] = []
        for evidence in example.evidence:
            quote = _folded(evidence.quote)
            holders = [d for d in found if _holds(d, evidence.source, quote)]
            holders = holders or [d for d in self.inner.invoke(evidence.quote) if _holds(d, evidence.source, quote)]
            right += [document for document in holders[:1] if document not in right]
        return right or found


def verify(example: Example, answer: Answer | None) -> TeacherAnswer:
    """Whether the student may learn this answer: it says what the reference says, in its shape, and cites rightly."""
    if answer is None:
        return TeacherAnswer(id=example.id, reason="no answer")
    usage = {"prompt_tokens": answer.usage.prompt_tokens, "completion_tokens": answer.usage.completion_tokens}
    value: Any = answer.answer if example.format in STRUCTURED else without_marks(answer.text)
    reason = _reason(example, answer, value)
    return TeacherAnswer(id=example.id, answer=None if answer.refused else value, reason=reason, **usage)


def student_examples(examples: Sequence[Example], answers: Sequence[TeacherAnswer]) -> list[Example]:
    """The examples whose answers were verified, with the teacher's answers in the place of the references."""
    kept = {answer.id: answer for answer in answers if answer.reason is None}
    return [
        example.model_copy(update={"answer": kept[example.id].answer if example.answerable else example.answer})
        for example in examples
        if example.id in kept
    ]


class Distillation(BaseModel):
    """The report. Quality and tokens are of the frozen test set: the teacher's as it can be served, and the student's.

    Tokens are means per question, prompt and completion; costs are those of 1,000 answers by the settings' prices, in
    `currency`, the student's with its share of the training; None where nothing was timed. `verified` counts those of
    the `asked` training answers that the student learnt from.
    """

    teacher: str
    student: str
    asked: int
    verified: int
    reasons: dict[str, int]
    questions: int
    measure: str
    teacher_quality: float | None
    student_quality: float | None
    teacher_tokens: tuple[float, float]
    student_tokens: tuple[float, float]
    teacher_cost: float | None = None
    student_cost: float | None = None
    currency: str = ""

    @property
    def kept(self) -> float | None:
        """Quality of the student as a share of the teacher's."""
        if not self.teacher_quality or self.student_quality is None:
            return None
        return self.student_quality / self.teacher_quality

    @property
    def saved(self) -> float:
        """Share of the tokens of an answer that is saved."""
        return 1 - sum(self.student_tokens) / max(sum(self.teacher_tokens), 1e-9)

    @property
    def prompt_saved(self) -> float:
        """Share of the prompt's tokens that is saved."""
        return 1 - self.student_tokens[0] / max(self.teacher_tokens[0], 1e-9)

    @property
    def cost_saved(self) -> float | None:
        """Share of the cost of an answer that is saved; below 0 it costs more. None: not known."""
        if not self.teacher_cost or self.student_cost is None:
            return None
        return 1 - self.student_cost / self.teacher_cost

    def lines(self) -> list[str]:
        """The report for people."""

        def percent(value: float | None) -> str:
            return "unknown" if value is None else f"{100 * value:.1f}"

        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items(), key=_by_count))
        kept = f"{100 * self.kept:.0f}% of the teacher's" if self.kept is not None else "the teacher has none to keep"
        student, teacher = percent(self.student_quality), percent(self.teacher_quality)
        (read, written), (before, after) = self.student_tokens, self.teacher_tokens
        return [
            f"teacher     {self.teacher}",
            f"student     {self.student}",
            f"verified    {self.verified} of {self.asked} answers" + (f"; the others: {reasons}" if reasons else ""),
            f"quality     {self.measure} {student} against {teacher}, {kept} ({self.questions} test questions)",
            f"tokens      {read:.0f} in, {written:.0f} out, against {before:.0f} and {after:.0f}",
            f"saved       {100 * self.saved:.0f}% of an answer's tokens, {100 * self.prompt_saved:.0f}% of its prompt",
            *self._cost_lines(),
        ]

    def _cost_lines(self) -> list[str]:
        if self.cost_saved is None:
            return ["cost        unknown: no answer of the teacher has a price (prices.*)"]
        before, after = f"{self.teacher_cost:.4g}", f"{self.student_cost:.4g} {self.currency}"
        return [f"cost        {after} per 1,000 answers against {before}, {100 * self.cost_saved:.0f}% saved"]


def count_reasons(answers: Sequence[TeacherAnswer]) -> dict[str, int]:
    """Why answers were not kept, counted."""
    return dict(Counter(answer.reason for answer in answers if answer.reason is not None))


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _reason(example: Example, answer: Answer, value: Any) -> str | None:
    if not answer.valid:
        return "invalid"
    if not example.answerable:
        return None if answer.refused else "no refusal"
    if answer.refused:
        return "refused"
    if not _cites_rightly(example, answer):
        return "cites otherwise"
    if example.format in STRUCTURED:
        return None if _leaves(value) == _leaves(example.answer) else "other than the reference"
    return _prose_reason(example, answer, str(value))


def _prose_reason(example: Example, answer: Answer, said: str) -> str | None:
    reference = str(example.answer)
    if names_and_numbers(reference) - names_and_numbers(f"{said} {example.question}"):
        return "other than the reference"
    wanted, words = set(fold(reference).split()), set(fold(said).split())
    if len(wanted & words) < _LEAST_SHARED_WORDS * len(wanted):
        return "other than the reference"
    seen = " ".join([*(passage.text for passage in answer.passages), reference])
    try:
        check_answer(said, seen, example.question, limit=LONGEST_ANSWER)
    except Unfit as unfit:
        return unfit.kind
    return None


def _cites_rightly(example: Example, answer: Answer) -> bool:
    if not example.evidence:
        return True
    cited = {citation.number for citation in answer.citations}
    texts = [(p.source, _folded(p.text)) for p in answer.passages if p.number in cited]
    return any(e.source == source and _folded(e.quote) in text for e in example.evidence for source, text in texts)


def _leaves(value: Any) -> Any:
    """A value with its strings folded: spelling of quotes and case is no difference."""
    if isinstance(value, dict):
        return {key: _leaves(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_leaves(item) for item in value]
    return fold(value) if isinstance(value, str) else value


def _folded(text: str) -> str:
    return " ".join(text.split())


def _holds(document: Document, source: str, quote: str) -> bool:
    return document.metadata.get("source") == source and quote in _folded(document.page_content)
