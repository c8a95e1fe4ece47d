"""One answer against one example: every measurement the figures are made of. None: the measure does not apply.

Knows nothing of other answers, of means or of intervals.
"""

from pydantic import BaseModel

from core.answer_text import without_marks
from core.arms import Arm
from core.passages import contains_quote
from core.types import STRUCTURED, Answer, Example, Passage
from evaluation.facts import says_facts
from evaluation.fields import FieldScore, compare_fields
from evaluation.overlap import token_f1, token_precision, token_recall
from evaluation.quotes import quotes_in, stands_in
from evaluation.style import Style


class Score(BaseModel):
    """What one answer is worth.

    `facts`: every number, identifier and labelled value of the expected prose is said (evaluation.facts). `evidence`:
    all quotes stood in the passages. `right_citations` of `citations` point at a passage that holds a quote;
    `quotes_cited` of `quotes` are in a cited passage. Of the `said_quotes` in the text of a text or Markdown answer
    `verbatim_quotes` stand word for word in a passage. `right` is whether the question counts as a hit (None: not
    judged yet). Seconds and tokens as the answer reports them.
    """

    answerable: bool
    failed: bool = False
    refused: bool = False
    fields: list[FieldScore] = []
    field_em: float | None = None
    field_f1: float | None = None
    prose_f1: float | None = None
    prose_recall: float | None = None
    facts: bool | None = None
    k_precision: float | None = None
    style: float | None = None
    right: bool | None = None
    valid: bool | None = None
    evidence: bool | None = None
    cites_evidence: bool | None = None
    citations: int = 0
    right_citations: int = 0
    quotes: int = 0
    quotes_cited: int = 0
    said_quotes: int = 0
    verbatim_quotes: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    seconds_to_first_token: float | None = None


def score_answer(example: Example, answer: Answer | None, arm: Arm, style: Style | None = None) -> Score:
    """Score `answer` (None: the question failed, which is worth 0 wherever a measure applies).

    `style` is the usual form of the pack's answers; without it there is no score of style.
    """
    score = Score(answerable=example.answerable, failed=answer is None)
    if example.answerable:
        _score_content(score, example, answer)
        _score_style(score, example, answer, style)
    if example.format in STRUCTURED:
        # An answer that was cut off may still parse, YAML above all: it is not what was asked for.
        score.valid = answer is not None and answer.valid and answer.finish_reason != "length"
    if answer is None:
        return score
    score.refused = answer.refused
    score.prompt_tokens, score.completion_tokens = answer.usage.prompt_tokens, answer.usage.completion_tokens
    score.seconds, score.seconds_to_first_token = answer.seconds, answer.seconds_to_first_token
    # In JSON and YAML quotation marks are syntax: they say nothing about quoting.
    if arm.retrieval and not answer.refused and example.format not in STRUCTURED:
        said = quotes_in(answer.text)
        score.said_quotes = len(said)
        score.verbatim_quotes = sum(stands_in(quote, answer.passages) for quote in said)
    if arm.retrieval and example.answerable:
        _score_grounding(score, example, answer)
    return score


def evidence_passages(example: Example, passages: list[Passage]) -> list[list[int]]:
    """For each evidence quote of `example`, the numbers of the passages that hold it."""
    return [contains_quote(passages, e.source, e.quote) for e in example.evidence]


def _score_content(score: Score, example: Example, answer: Answer | None) -> None:
    answered = answer is not None and not answer.refused
    if isinstance(example.answer, dict):
        found = answer.answer if answered and answer is not None else None
        compared = compare_fields(example.answer, found, example.question)
        score.fields, score.field_em, score.field_f1 = compared.fields, compared.exact_match, compared.f1
        return
    text = without_marks(answer.text) if answered and answer is not None else ""
    expected = str(example.answer)
    score.prose_f1, score.prose_recall = token_f1(expected, text), token_recall(expected, text)
    score.facts = says_facts(expected, text, example.question)


def _score_style(score: Score, example: Example, answer: Answer | None, style: Style | None) -> None:
    """Of answers that were given; a question that failed has no form."""
    if style is not None and answer is not None and not answer.refused and example.format not in STRUCTURED:
        score.style = style.score(example.format, answer.text)


def _score_grounding(score: Score, example: Example, answer: Answer) -> None:
    if not answer.refused and example.format not in STRUCTURED and answer.passages:
        known = "\n".join(f"{passage.locator}\n{passage.text}" for passage in answer.passages)
        score.k_precision = token_precision(without_marks(answer.text), known)
    if not example.evidence:
        return
    holders = evidence_passages(example, answer.passages)
    score.evidence = all(holders)
    if answer.refused:
        return
    cited = {citation.number for citation in answer.citations}
    right = {number for numbers in holders for number in numbers}
    score.cites_evidence = bool(cited & right)
    score.citations, score.right_citations = len(cited), len(cited & right)
    score.quotes, score.quotes_cited = len(holders), sum(bool(cited & set(numbers)) for numbers in holders)
