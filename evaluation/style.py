"""Style without a judge: how far an answer keeps to what the pack's own answers of its format have in common.

Counted, not understood: length, sentences, lists, headings, code, marks, numbers, address, how it begins. For each of
these the middle 90% of the training answers is the usual range; the score of an answer is the share of ranges it keeps.
It sees form, not tone: a rude answer of the usual length in the usual form scores 1.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import mean

from core.answer_text import without_marks
from core.types import STRUCTURED, Example

# Fewer training answers of a format say nothing about its usual form.
FEWEST = 20
_EDGE = 0.05
# So many of a hundred answers begin with a word that is usual.
_USUAL_OPENING = 0.02

_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")
_LIST = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s", re.MULTILINE)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_YOU = frozenset({"you", "your", "yours", "du", "dein", "deine", "sie", "ihr", "ihre", "vous", "votre", "tu", "usted"})


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _per_word(count: float, text: str) -> float:
    return count / max(len(_words(text)), 1)


FEATURES: dict[str, Callable[[str], float]] = {
    "words": lambda text: len(_words(text)),
    "words per sentence": lambda text: len(_words(text)) / max(len(_SENTENCE.findall(text)), 1),
    "lines": lambda text: sum(bool(line.strip()) for line in text.splitlines()),
    "list items": lambda text: len(_LIST.findall(text)),
    "headings": lambda text: len(_HEADING.findall(text)),
    "code spans": lambda text: text.count("`") // 2,
    "bold": lambda text: text.count("**") // 2,
    "exclamation marks": lambda text: text.count("!"),
    "question marks": lambda text: text.count("?"),
    "ends with a full stop": lambda text: float(text.rstrip().endswith(".")),
    "begins with a capital": lambda text: float(text.lstrip()[:1].isupper()),
    "numbers per word": lambda text: _per_word(len(re.findall(r"\d+", text)), text),
    "commas per word": lambda text: _per_word(text.count(","), text),
    "address per word": lambda text: _per_word(sum(word.casefold() in _YOU for word in _words(text)), text),
}


class FormatStyle:
    """The usual form of the answers of one format."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.examples = len(texts)
        self._ranges = {}
        for name, feature in FEATURES.items():
            values = sorted(feature(text) for text in texts)
            cut = int(_EDGE * len(values))
            self._ranges[name] = values[cut], values[len(values) - 1 - cut]
        openings = Counter(_opening(text) for text in texts)
        self._openings = {word for word, count in openings.items() if count >= max(2, _USUAL_OPENING * len(texts))}
        # How its own answers score: no answer can be asked to be more typical than they are.
        self.own = mean(self.score(text) for text in texts)

    def score(self, text: str) -> float:
        """Share of the ranges that `text` keeps, 0 to 1."""
        kept = [low <= FEATURES[name](text) <= high for name, (low, high) in self._ranges.items()]
        if self._openings:
            kept.append(_opening(text) in self._openings)
        return sum(kept) / len(kept)

    def strays(self, text: str) -> list[str]:
        """Names of what is out of its range."""
        found = [name for name, (low, high) in self._ranges.items() if not low <= FEATURES[name](text) <= high]
        return [*found, *(["opening word"] if self._openings and _opening(text) not in self._openings else [])]


class Style:
    """The usual form of a pack's text and Markdown answers, learned from its training examples."""

    def __init__(self, examples: Iterable[Example]) -> None:
        texts: dict[str, list[str]] = {}
        for example in examples:
            if example.answerable and example.format not in STRUCTURED:
                texts.setdefault(example.format, []).append(without_marks(str(example.answer)))
        self.formats = {format: FormatStyle(found) for format, found in texts.items() if len(found) >= FEWEST}

    def score(self, format: str, text: str) -> float | None:
        """How usual the form of `text` is, 0 to 1; None for a format of which there are too few examples."""
        known = self.formats.get(format)
        return None if known is None else known.score(without_marks(text))

    def describe(self) -> dict[str, dict[str, float]]:
        """By format: how many answers it was learned from, and the mean score of those answers themselves."""
        return {name: {"examples": s.examples, "own": round(s.own, 4)} for name, s in self.formats.items()}


def _opening(text: str) -> str:
    words = _words(text)
    return words[0].casefold() if words else ""
