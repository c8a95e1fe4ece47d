"""Token overlap, by hand."""

import pytest

from evaluation.overlap import token_f1, token_precision, token_recall


@pytest.mark.parametrize(
    ("expected", "found", "f1"),
    [
        ("Prune it in May.", "prune IT in may", 1.0),
        ("a b c d", "a b", 2 * 2 / 6),
        ("a a b", "a b b", 2 * 2 / 6),
        ("a b", "", 0.0),
        ("a b", "c d", 0.0),
        ("[]", "[]", 1.0),
        ("[]", "{}", 0.0),
    ],
)
def test_f1(expected, found, f1):
    assert token_f1(expected, found) == pytest.approx(f1)


def test_recall_is_of_the_expected_words_and_precision_of_the_said():
    assert token_recall("a b c d", "x a b x x x") == pytest.approx(0.5)
    assert token_precision("x a b x", "a b c d") == pytest.approx(0.5)
    assert token_precision("", "a b") == 0.0
    assert token_recall("", "a") == 1.0


def test_a_word_said_twice_needs_to_be_known_twice():
    assert token_precision("may may", "in may") == pytest.approx(0.5)
