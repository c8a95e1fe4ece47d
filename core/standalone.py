"""Makes a follow-up question standalone by rule: when it leans on what was said before, the last question joins it.

A rule, not a model: a 135M model rewrites questions worse than it answers them.
"""

import re
from collections.abc import Sequence

_LEANS = re.compile(
    r"^(and|but|or|also|what about|how about|why|why not|how so|then)\b"
    r"|\b(it|its|this|that|these|those|they|them|one|the same|former|latter)\b",
    re.IGNORECASE,
)
_LONG_QUESTION_WORDS = 14


def standalone_question(question: str, history: Sequence[str]) -> str:
    """The question as it is searched and asked: with the last question before it where it refers back.

    A long question, or one that names an identifier (`CSRF_COOKIE_AGE`, `fields.E003`), stands alone.
    """
    question = " ".join(question.split())
    if not history or len(question.split()) > _LONG_QUESTION_WORDS:
        return question
    names_something = re.search(r"\w[._]\w|[A-Z]{3,}|`", question)
    if names_something or not _LEANS.search(question):
        return question
    return f"{' '.join(history[-1].split())} {question}"
