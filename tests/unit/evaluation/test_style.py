"""Style as counted form: what is usual scores high, what strays is named, too few examples say nothing."""

import pytest

from core.types import Example
from evaluation.style import FEWEST, Style


def example(number: int, text: str, format: str = "text") -> Example:
    return Example(id=str(number), question="Q?", answer=text, format=format)


SHORT = [f"Prune the plant in month {n}, please. Water it well." for n in range(1, 31)]
STYLE = Style([example(n, text) for n, text in enumerate(SHORT)])


def test_the_packs_own_answers_keep_to_it():
    assert STYLE.describe() == {"text": {"examples": 30, "own": pytest.approx(1.0, abs=0.05)}}
    assert STYLE.score("text", "Prune the rose in month 31, please. Water it well. [2]") == 1.0


@pytest.mark.parametrize(
    ("text", "strays"),
    [
        ("# Roses\n\n- Prune\n- Water\n- Wait", {"headings", "list items", "lines", "ends with a full stop"}),
        ("Well! You may want to prune it! Or not?", {"exclamation marks", "question marks", "opening word"}),
        ("prune the rose in month 31, please. " * 12, {"words", "begins with a capital"}),
    ],
)
def test_another_form_scores_lower_and_says_why(text, strays):
    assert strays <= set(STYLE.formats["text"].strays(text))
    assert STYLE.score("text", text) < 0.85


def test_formats_are_learned_apart_and_few_examples_say_nothing():
    few = Style([example(n, "# One\n\n- two", "markdown") for n in range(FEWEST - 1)])
    assert few.formats == {}
    assert few.score("markdown", "anything") is None
    assert STYLE.score("markdown", "anything") is None
    assert Style([Example(id=str(n), question="Q?", answer={"a": 1}, format="json") for n in range(40)]).formats == {}
