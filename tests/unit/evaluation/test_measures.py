"""Figures of an arm as ratios of sums, against counts by hand."""

import pytest

from evaluation.bootstrap import Ratio
from evaluation.measures import MEASURES
from evaluation.scores import Score


def value(measure: str, scores: list[Score]) -> float | None:
    return Ratio([MEASURES[measure].terms(score) for score in scores]).value


def test_means_leave_out_what_does_not_apply():
    scores = [Score(answerable=True, field_em=1.0), Score(answerable=True, field_em=0.5), Score(answerable=False)]
    assert value("field_em", scores) == 0.75
    assert value("prose_f1", scores) is None


def test_refusals():
    right, wrong = Score(answerable=False, refused=True), Score(answerable=True, refused=True)
    missed, answered = Score(answerable=False), Score(answerable=True)
    scores = [right, right, wrong, missed, missed, answered]
    assert value("refusal_precision", scores) == pytest.approx(2 / 3)
    assert value("refusal_recall", scores) == pytest.approx(2 / 4)
    assert value("refusal_f1", scores) == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2))


def test_refusals_without_any_to_make():
    assert value("refusal_f1", [Score(answerable=True)]) is None
    assert value("refusal_f1", [Score(answerable=True, refused=True)]) == 0.0
    assert value("refusal_f1", [Score(answerable=False)]) == 0.0
    assert value("refusal_precision", [Score(answerable=False)]) is None


def test_citations_are_pooled_over_answers():
    scores = [
        Score(answerable=True, cites_evidence=True, citations=3, right_citations=1, quotes=1, quotes_cited=1),
        Score(answerable=True, cites_evidence=False, citations=1, right_citations=0, quotes=2, quotes_cited=0),
    ]
    assert value("citation_correct", scores) == 0.5
    assert value("citation_precision", scores) == 0.25
    assert value("citation_recall", scores) == pytest.approx(1 / 3)
