"""Sentences by rule, in place of a model."""

import pytest

from ingest.sentences import sent_tokenize, word_tokenize


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Use e.g. this one. Then stop.", ["Use e.g. this one.", "Then stop."]),
        ("See Dr. Kern at 10 a.m. today", ["See Dr. Kern at 10 a.m. today"]),
        ("Version 1.2.3 is out", ["Version 1.2.3 is out"]),
        ('He said "stop." Then left.', ['He said "stop."', "Then left."]),
        ("電源を切る。待つ。", ["電源を切る。", "待つ。"]),
        ("", []),
    ],
)
def test_sentences(text, sentences):
    assert sent_tokenize(text) == sentences


def test_words_and_marks():
    assert word_tokenize("Don't stop, v1.2!") == ["Don", "'", "t", "stop", ",", "v1", ".", "2", "!"]
