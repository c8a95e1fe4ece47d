"""Quotes in answers, and whether a passage holds them."""

import pytest

from core.arms import parse_arm
from core.types import Answer, Example, Passage
from evaluation.quotes import quotes_in, stands_in
from evaluation.scores import score_answer

PASSAGE = Passage(number=1, source="a.md", locator="", text="Prune it in\nMay, never in June.")


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ('It says "prune it in May" and "no".', ["prune it in May"]),
        ("“Prune it in May” [1]", ["Prune it in May"]),
        ("„Im Mai wird geschnitten“ und «taillez en mai»", ["Im Mai wird geschnitten", "taillez en mai"]),
        ("It's Peter's and Paul's garden", []),
        ('An inch: 3" and 4" or\n so', []),
    ],
)
def test_quotes_of_three_words_are_found(text, quotes):
    assert quotes_in(text) == quotes


def test_verbatim_means_word_for_word():
    assert stands_in("Prune it in May,", [PASSAGE])
    assert not stands_in("Prune it in June", [PASSAGE])
    assert not stands_in("Prune it in May", [])


def test_an_answer_is_scored_by_its_quotes():
    example = Example(id="e", question="When?", answer="In May.")
    answer = Answer(text='"Prune it in May", not "prune it in winter".', format="text", passages=[PASSAGE])
    score = score_answer(example, answer, parse_arm("rag"))
    assert (score.said_quotes, score.verbatim_quotes) == (2, 1)
    assert score_answer(example, answer, parse_arm("base")).said_quotes == 0


@pytest.mark.parametrize(("format", "said"), [("text", 1), ("markdown", 1), ("json", 0), ("yaml", 0)])
def test_the_quotation_marks_of_json_and_yaml_quote_nothing(format, said):
    example = Example(id="e", question="When?", answerable=False, format=format)
    answer = Answer(text='{"when": "prune it in May"}', format=format, passages=[PASSAGE])
    assert score_answer(example, answer, parse_arm("rag")).said_quotes == said
