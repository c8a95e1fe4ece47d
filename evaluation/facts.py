"""What a prose answer has to say as it stands: numbers, identifiers, and the values behind Markdown labels.

Two texts that share most of their words may still differ in the one that matters; overlap does not see it, people do.
What the question holds need not be said again. No meaning is judged.
"""

import re

from core.answer_text import fold
from evaluation.overlap import token_f1
from evaluation.words import holds

VALUE_ALIKE = 0.8  # token F1 from which a labelled value is the expected one; values of one word have to be the same
_WITH_DIGIT = re.compile(r"\w*\d\w*(?:[.,:-]\w+)*")
_LIST_NUMBER = re.compile(r"^\s*\d+[.)]\s+", re.MULTILINE)
_LABELLED = re.compile(r"^\s*(?:[-*]\s+)?\*\*([^*\n]+?):?\*\*:?[ \t]*(\S.*)$", re.MULTILINE)


def says_facts(expected: str, found: str, question: str) -> bool | None:
    """Whether `found` says every fact of `expected` that `question` does not hold; None: `expected` has none."""
    numbers = {number for number in _numbers(expected) if not holds(question, number)}
    labels = {label: value for label, value in _labelled(expected).items() if not holds(question, value)}
    if not numbers and not labels:
        return None
    said = _labelled(found)
    same = all(token_f1(value, said.get(label, "")) >= VALUE_ALIKE for label, value in labels.items())
    return same and numbers <= _numbers(found)


def _numbers(text: str) -> set[str]:
    """Words with a digit in them, the numbers of list items left out."""
    return {word.casefold() for word in _WITH_DIGIT.findall(_LIST_NUMBER.sub("", text))}


def _labelled(text: str) -> dict[str, str]:
    """Values of lines such as `**Handled by:** customer`, by their folded label."""
    return {fold(label): value for label, value in _LABELLED.findall(text)}
