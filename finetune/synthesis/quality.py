"""Whether a question and an answer are worth a person's look: grounded in the chunk, whole, not going in circles.

Weak models fail in a few ways that code can see. Truth and beauty it cannot: that is what the review is for.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.answer_text import fold
from finetune.similar import names_and_numbers, question_key

_LONGEST_QUESTION = 400
_ABOUT_THE_TEXT = re.compile(
    r"\b(?:the|this|that|given|above)\s+(?:passage|text|document|excerpt|section|paragraph|sentence|table)\b",
    re.IGNORECASE,
)
# Words of fewer letters stand in every text.
_SHORTEST_WORD = 4
# Of an answer's longer words, so many must stand in the chunk or the question: the rest is the persona's.
_LEAST_GROUNDED = 0.5
_RUN, _MOST_RUNS = 4, 2


class Unfit(Exception):  # noqa: N818 - an outcome of checking, not an error of the program
    """Why a reply is not kept. `kind` is what is counted."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def check_question(question: str, passage: str) -> None:
    """Raises Unfit for a question that is none, that is copied, or that could be about anything."""
    words = fold(question).split()
    if len(words) < 3 or len(question) > _LONGEST_QUESTION:
        raise Unfit("question is too short or too long")
    if _ABOUT_THE_TEXT.search(question):
        raise Unfit("asks about the passage itself")
    if fold(question) in fold(passage):
        raise Unfit("question is copied from the chunk")
    if not _long_words(question) & _long_words(passage):
        raise Unfit("question could be about anything")
    _check_circles(words)


def check_answer(answer: str, passage: str, question: str, *, limit: int) -> None:
    """Raises Unfit for an answer that says what `passage` does not, is cut at `limit` characters, or goes round."""
    if question_key(answer) == question_key(question):
        raise Unfit("answer repeats the question")
    if len(answer) >= limit:
        raise Unfit("answer is cut off")
    _check_circles(fold(answer).split())
    known = f"{passage} {question}"
    if names_and_numbers(answer) - names_and_numbers(known):
        raise Unfit("answer says what the chunk does not")
    said = _long_words(answer)
    if said and len(said & _long_words(known)) < _LEAST_GROUNDED * len(said):
        raise Unfit("answer says what the chunk does not")


def text_of(answer: Any) -> str:
    """All strings and numbers of an answer, in order."""
    if isinstance(answer, dict):
        return " ".join(text_of(value) for value in answer.values())
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return " ".join(text_of(value) for value in answer)
    return "" if answer is None or isinstance(answer, bool) else str(answer)


def _check_circles(words: Sequence[str]) -> None:
    runs = Counter(tuple(words[n : n + _RUN]) for n in range(len(words) - _RUN + 1))
    if runs and max(runs.values()) > _MOST_RUNS:
        raise Unfit("goes in circles")


def _long_words(text: str) -> set[str]:
    """Words that carry meaning, without the ending that number and tense change."""
    return {word[:6] for word in fold(text).split() if len(word) >= _SHORTEST_WORD}
