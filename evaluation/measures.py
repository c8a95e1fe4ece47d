"""The figures of an arm, each a ratio of two sums over questions: what an answer adds above and below the line.

One form for means (below the line 1 per question it applies to), for shares of citations and for F1 of refusals, so
that every figure gets its interval in the same way. docs/method.md explains each one, its limits and its source.
"""

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from evaluation.bootstrap import Ratio
from evaluation.scores import Score

Term = tuple[float, float]


class Measure(BaseModel):
    """One figure. `terms(score)` gives numerator and denominator; (0, 0) where it does not apply."""

    model_config = ConfigDict(frozen=True)

    name: str
    label: str
    terms: Callable[[Score], Term]
    explanation: str
    percent: bool = True


def _mean(value: float | bool | None) -> Term:
    return (0.0, 0.0) if value is None else (float(value), 1.0)


def _refusal_f1(score: Score) -> Term:
    right, called, due = score.refused and not score.answerable, score.refused, not score.answerable
    return 2.0 * right, float(called) + float(due)


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            name="right",
            label="Right",
            terms=lambda s: _mean(s.right),
            explanation="Share of all questions answered as asked for: every field right and valid, prose with a token "
            "F1 of 0.5 or more and all numbers, identifiers and labelled values, a refusal where one was due.",
        ),
        Measure(
            name="field_em",
            label="Field exact match",
            terms=lambda s: _mean(s.field_em),
            explanation="Share of the fields of structured answers that are right; fields the question gives away "
            "do not count; an answer that does not parse and a refusal score 0.",
        ),
        Measure(
            name="field_f1",
            label="Field F1",
            terms=lambda s: _mean(s.field_f1),
            explanation="Token F1 of the same fields: part of the credit for nearly right values.",
        ),
        Measure(
            name="prose_f1",
            label="Prose F1",
            terms=lambda s: _mean(s.prose_f1),
            explanation="Token F1 of text and Markdown answers against the expected text.",
        ),
        Measure(
            name="prose_recall",
            label="Prose recall",
            terms=lambda s: _mean(s.prose_recall),
            explanation="Share of the expected words that a text or Markdown answer holds.",
        ),
        Measure(
            name="k_precision",
            label="K-precision",
            terms=lambda s: _mean(s.k_precision),
            explanation="Share of the words of a text or Markdown answer that stand in its passages.",
        ),
        Measure(
            name="style",
            label="Style kept",
            terms=lambda s: _mean(s.style),
            explanation="How far given text and Markdown answers keep to the usual form of the pack's own answers: "
            "length, sentences, lists, marks, how they begin. Form, not tone.",
        ),
        Measure(
            name="validity",
            label="Valid",
            terms=lambda s: _mean(s.valid),
            explanation="Share of JSON and YAML answers that parse and match their schema, refusals included.",
        ),
        Measure(
            name="evidence_recall",
            label="Evidence found",
            terms=lambda s: _mean(s.evidence),
            explanation="Share of answerable questions whose evidence stands in the passages within the token budget.",
        ),
        Measure(
            name="citation_correct",
            label="Cited right",
            terms=lambda s: _mean(s.cites_evidence),
            explanation="Share of given answers that cite a passage which holds the evidence.",
        ),
        Measure(
            name="citation_precision",
            label="Citation precision",
            terms=lambda s: (float(s.right_citations), float(s.citations)),
            explanation="Share of all citations that point at a passage which holds the evidence.",
        ),
        Measure(
            name="citation_recall",
            label="Citation recall",
            terms=lambda s: (float(s.quotes_cited), float(s.quotes)),
            explanation="Share of the evidence quotes of answered questions that stand in a cited passage.",
        ),
        Measure(
            name="quote_valid",
            label="Quotes verbatim",
            terms=lambda s: (float(s.verbatim_quotes), float(s.said_quotes)),
            explanation="Share of the quotes of three words or more in text and Markdown answers that stand word for "
            "word in a passage.",
        ),
        Measure(
            name="refusal_f1",
            label="Refusal F1",
            terms=_refusal_f1,
            explanation="Harmonic mean of refusal precision and recall.",
        ),
        Measure(
            name="refusal_precision",
            label="Refusal precision",
            terms=lambda s: (float(s.refused and not s.answerable), float(s.refused)),
            explanation="Share of refusals that were right: the documents do not hold the answer.",
        ),
        Measure(
            name="refusal_recall",
            label="Refusal recall",
            terms=lambda s: (float(s.refused and not s.answerable), float(not s.answerable)),
            explanation="Share of unanswerable questions that were refused.",
        ),
        Measure(
            name="prompt_tokens",
            label="Prompt tokens",
            terms=lambda s: _mean(s.prompt_tokens),
            explanation="Mean tokens of a prompt.",
            percent=False,
        ),
        Measure(
            name="completion_tokens",
            label="Completion tokens",
            terms=lambda s: _mean(s.completion_tokens),
            explanation="Mean tokens of an answer.",
            percent=False,
        ),
        Measure(
            name="seconds",
            label="Seconds",
            terms=lambda s: _mean(s.seconds),
            explanation="Mean wall time from question to last token, with the concurrency of when it was answered.",
            percent=False,
        ),
        Measure(
            name="first_token",
            label="Seconds to first token",
            terms=lambda s: _mean(s.seconds_to_first_token),
            explanation="Mean wall time from question to first token, search included.",
            percent=False,
        ),
    )
}
RATES = tuple(name for name, measure in MEASURES.items() if measure.percent)


def ratio(scores: Sequence[Score], measure: str) -> Ratio:
    """A measure over the scores of one arm."""
    return Ratio([MEASURES[measure].terms(score) for score in scores])
