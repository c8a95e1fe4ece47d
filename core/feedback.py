"""What users say about answers: ratings, corrections, votes between answers. Types and checks; keeps nothing.

Each holds the whole turn, so that what is learnt from it needs nothing else: question, format, schema, passages, arm,
adapter and the answer as it was written.
"""

from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from core.answer_text import ParsedAnswer, read_answer
from core.errors import RequestError
from core.turns import Turn, now
from core.types import STRUCTURED, Format

Verdict = Literal["up", "down"]
Outcome = Literal["winner", "tie", "none"]
REASONS: dict[str, str] = {
    "wrong": "It is wrong",
    "incomplete": "Something is missing",
    "source": "It rests on the wrong source",
    "refused": "The documents do hold the answer",
    "invented": "The documents do not say this",
    "form": "The form is wrong",
}
_INDENT = "  "


class Correction(BaseModel):
    """What the answer should have been: a string, or an object for json and yaml; None: not in the documents."""

    model_config = ConfigDict(frozen=True)

    answer: str | dict[str, Any] | None
    text: str

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer, in the eyes of whoever corrected it."""
        return self.answer is not None


class Rating(BaseModel):
    """What one user says about one answer. `verdict` None: only corrected. `reasons` are keys of REASONS."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: uuid4().hex)
    user: str
    domain: str
    time: str = Field(default_factory=now)
    conversation: str | None = None
    turn: Turn
    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()
    comment: str = ""
    correction: Correction | None = None

    @property
    def says_something(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.verdict or self.reasons or self.comment or self.correction)


class Vote(BaseModel):
    """Which of several answers to one question was best, in the eyes of one user who saw no names.

    `turns` as they were shown, two or more; `winner` indexes them where the outcome is "winner". "none": all are bad.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: uuid4().hex)
    user: str
    domain: str
    time: str = Field(default_factory=now)
    turns: tuple[Turn, ...] = Field(min_length=2)
    outcome: Outcome
    winner: int | None = None


def read_correction(
    text: str, format: Format, schema: dict[str, Any] | None, refusal: str, *, answerable: bool = True
) -> Correction:
    """What a user wrote as the right answer. Raises RequestError with what is wrong with it."""
    if not answerable:
        return Correction(answer=None, text=refusal)
    if not text.strip():
        raise RequestError("write the right answer, or say that the documents do not hold it")
    parsed = read_answer(_in_envelope(text, format), format, schema, refusal)
    if not parsed.valid:
        raise RequestError(_flaw(parsed, format, schema))
    if parsed.refused:
        return Correction(answer=None, text=refusal)
    return Correction(answer=parsed.answer, text=parsed.text)


def _in_envelope(text: str, format: Format) -> str:
    if format == "json":
        return f'{{"citations": [], "answer": {text}}}'
    if format == "yaml":
        return "citations: []\nanswer:\n" + "\n".join(f"{_INDENT}{line}" for line in text.strip("\n").split("\n"))
    return text


def _flaw(parsed: ParsedAnswer, format: Format, schema: dict[str, Any] | None) -> str:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if format not in STRUCTURED:
        return "the headings of this shape are not all there"
    if parsed.answer is None:
        return f"this is not valid {format.upper()}: look for a missing quote, comma or bracket"
    error = best_match(Draft202012Validator(schema or {}).iter_errors(parsed.answer))
    path = "".join(f"{part}: " for part in error.absolute_path) if error else ""
    return f"this does not have the shape of the answer: {path}{error.message if error else ''}"
