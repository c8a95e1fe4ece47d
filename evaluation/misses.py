"""Why an answer missed, by rules over evidence: what was retrieved, what the passages hold, what was written.

Every rule looks only at the example, the answer and the index; nothing is judged. Each class names its remedy.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.answer_text import without_marks
from core.passages import contains_quote
from core.types import STRUCTURED, Answer, Example, Passage
from evaluation.overlap import token_precision, token_recall
from evaluation.scores import Score, evidence_passages

MissClass = Literal[
    "not_in_corpus",
    "not_retrieved",
    "below_budget",
    "ignored",
    "wrong_field",
    "unsupported",
    "wrong_format",
    "wrong_style",
    "wrong_refusal",
]
Search = Callable[[str, int], Awaitable[list[Passage]]]

# Prose counts as right from this token F1 on; a value as drawn from a text when this share of its words stand there.
PROSE_RIGHT = 0.5
DRAWN_FROM = 0.8
# How far down the ranking a passage may stand and still be called found, and how far its own quote is looked for.
DEEP = 50
OWN_QUOTE = 10

# What more or other training examples can mend; the rest is the index's matter.
TRAINABLE: tuple[MissClass, ...] = (
    "ignored", "wrong_field", "unsupported", "wrong_format", "wrong_style", "wrong_refusal",
)  # fmt: skip


class Remedy(BaseModel):
    """What a class of misses means and what to do about it; `command` is where to begin."""

    model_config = ConfigDict(frozen=True)

    meaning: str
    remedy: str
    command: str


REMEDIES: dict[str, Remedy] = {
    "not_in_corpus": Remedy(
        meaning="The evidence is in no indexed passage.",
        remedy="Add the document, or look why it was rejected or cut.",
        command="graft ingest",
    ),
    "not_retrieved": Remedy(
        meaning=f"The evidence is indexed, but not among the {DEEP} best hits.",
        remedy="Chunk along the structure of the documents; weigh lexical and dense search anew.",
        command="graft retriever tune",
    ),
    "below_budget": Remedy(
        meaning=f"The evidence is among the {DEEP} best hits, but below what the token budget lets into the prompt.",
        remedy="Rerank, take smaller chunks, or raise retrieve.k and retrieve.token_budget.",
        command="graft search -k 50",
    ),
    "ignored": Remedy(
        meaning="The evidence was in the prompt; the answer follows another passage.",
        remedy="Train on more rows with hard distractors beside the right passage.",
        command="graft lab collect --class ignored",
    ),
    "wrong_field": Remedy(
        meaning="The answer is taken from the right passage, but from the wrong place or not in full.",
        remedy="Add examples like these; describe the schema's keys more sharply.",
        command="graft lab collect --class wrong_field",
    ),
    "unsupported": Remedy(
        meaning="The answer says what no passage says, or answers what the documents do not hold.",
        remedy="Use retrieval; train on more rows without the right passage, answered with a refusal.",
        command="graft lab collect --class unsupported",
    ),
    "wrong_format": Remedy(
        meaning="The answer does not parse, does not match its schema, or was cut off.",
        remedy="Decode under the schema (+schema), or train on more examples of this format.",
        command="graft lab --arms rag+icl+schema",
    ),
    "wrong_style": Remedy(
        meaning="The words of the answer are right, its form is not.",
        remedy="Show or train more examples of this format in the pack's own style.",
        command="graft dataset restyle",
    ),
    "wrong_refusal": Remedy(
        meaning="The answer was at hand and the model refused.",
        remedy="Train with fewer refusals among the rows, or on more wordings.",
        command="graft lab collect --class wrong_refusal",
    ),
}


def is_hit(example: Example, score: Score) -> bool:
    """Whether the answer is as good as asked for: all fields right and valid, prose near enough, a due refusal.

    Prose is near enough with half of its words, and every fact that cannot be said otherwise (evaluation.facts).
    """
    if score.failed:
        return False
    if not example.answerable:
        return score.refused
    if score.refused:
        return False
    if example.format in STRUCTURED:
        return bool(score.valid) and (score.field_em is None or score.field_em == 1.0)
    return (score.prose_f1 or 0.0) >= PROSE_RIGHT and score.facts is not False


def classify(
    example: Example, answer: Answer | None, score: Score, retrieval_class: MissClass | None = None
) -> MissClass | None:
    """The class of a miss; None for a hit and for a question that failed (that is the system's, not the arm's).

    `retrieval_class` says why the evidence is missing from the passages, as `explain_retrieval` found out.
    """
    if answer is None or is_hit(example, score):
        return None
    if not example.answerable:
        return "unsupported"
    if score.evidence is False:
        return retrieval_class or "not_retrieved"
    if score.refused:
        return "wrong_refusal"
    if score.valid is False:
        return "wrong_format"
    if example.format in STRUCTURED:
        wrong = [field.found for field in score.fields if field.counts and not field.correct]
        return _origin([value for value in wrong if value is not None], example, answer, whole=bool(wrong))
    text = without_marks(answer.text)
    if score.facts is not False and token_recall(str(example.answer), text) >= DRAWN_FROM:
        return "wrong_style"
    return _origin([text], example, answer, whole=True)


async def explain_retrieval(example: Example, search: Search) -> MissClass:
    """Why the evidence of `example` did not reach the prompt; `search(text, k)` gives whole chunks, best first."""
    for evidence in example.evidence:
        near = await search(evidence.quote, OWN_QUOTE)
        if not contains_quote(near, evidence.source, evidence.quote):
            return "not_in_corpus"
    found = await search(example.question, DEEP)
    return "below_budget" if all(evidence_passages(example, found)) else "not_retrieved"


def _origin(values: list[str], example: Example, answer: Answer, *, whole: bool) -> MissClass:
    """Where the words of wrong values come from: the right passage, another one, or none."""
    right = {number for numbers in evidence_passages(example, answer.passages) for number in numbers}
    evidence = "\n".join(_text(passage) for passage in answer.passages if passage.number in right)
    others = "\n".join(_text(passage) for passage in answer.passages if passage.number not in right)
    if not values:
        # Fields were left out although their passage was there; without passages nothing could back them.
        return "wrong_field" if whole and evidence else "unsupported"
    in_evidence = min(token_precision(value, evidence) for value in values)
    in_others = min(token_precision(value, others) for value in values)
    if max(in_evidence, in_others) < DRAWN_FROM:
        return "unsupported"
    return "wrong_field" if in_evidence >= in_others else "ignored"


def _text(passage: Passage) -> str:
    return f"{passage.locator}\n{passage.text}"
