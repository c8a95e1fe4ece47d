"""Where words stand on a page of a PDF: letters with boxes, and the boxes of a text among them. Knows no pictures.

What was read of a page (pdfminer) and what stands on it (pdfium) differ in spaces, hyphens, ligatures and the order of
table cells; so only letters and digits are compared, and where a text is not there as a whole, its longest parts count.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

# Boxes count from the lower left corner of the page, in points: left, bottom, right, top.
Rectangle = tuple[float, float, float, float]
_LEAST_WORDS = 2  # parts of a text with fewer words in a row say nothing
_FAR = 3  # parts further from the longest one than so many lengths of the text belong to something else


@dataclass(frozen=True)
class Letter:
    """A letter or digit, folded, and the box of the sign it belongs to."""

    text: str
    box: Rectangle


def letters_of(page: Any) -> list[list[Letter]]:
    """The words on a pypdfium2 page, in the order in which the file has them."""
    from pypdfium2 import raw

    text = page.get_textpage()
    words: list[list[Letter]] = [[]]
    for index in range(text.count_chars()):
        folded = _fold(chr(raw.FPDFText_GetUnicode(text, index)))
        if not folded:
            words.append([])
            continue
        box = text.get_charbox(index, loose=True)
        words[-1] += [Letter(letter, box) for letter in folded]
    text.close()
    return [word for word in words if word]


def places_of(wanted: str, words: Sequence[Sequence[Letter]]) -> list[Rectangle]:
    """Boxes of the letters of `wanted` on the page, in order; empty when it is not there."""
    letters = [letter for word in words for letter in word]
    text, page = _fold(wanted), "".join(letter.text for letter in letters)
    start = page.find(text) if text else -1
    if start >= 0:
        return [letter.box for letter in letters[start : start + len(text)]]
    return [letter.box for word in _alike(wanted, words) for letter in word]


def joined(boxes: Iterable[Rectangle]) -> list[Rectangle]:
    """Neighbours on a line as one box."""
    found: list[Rectangle] = []
    for box in boxes:
        if found and _continues(found[-1], box):
            last = found[-1]
            found[-1] = (last[0], min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3]))
        elif box[2] > box[0] and box[3] > box[1]:
            found.append(box)
    return found


def _alike(wanted: str, words: Sequence[Sequence[Letter]]) -> list[Sequence[Letter]]:
    """The words on the page that stand in `wanted` in the same order, in runs."""
    ours = [folded for folded in map(_fold, re.split(r"[\W_]+", wanted)) if folded]
    theirs = ["".join(letter.text for letter in word) for word in words]
    runs = [run for run in SequenceMatcher(None, theirs, ours, autojunk=False).get_matching_blocks() if run.size]
    runs = [run for run in runs if run.size >= min(_LEAST_WORDS, len(ours))]
    if not runs:
        return []
    longest = max(runs, key=lambda run: run.size)
    near = [run for run in runs if abs(run.a - longest.a) <= _FAR * len(ours)]
    return [words[index] for run in near for index in range(run.a, run.a + run.size)]


def _continues(last: Rectangle, box: Rectangle) -> bool:
    height = min(last[3] - last[1], box[3] - box[1])
    overlap = min(last[3], box[3]) - max(last[1], box[1])
    return overlap > 0.5 * height and -height <= box[0] - last[2] <= 1.5 * height


def _fold(text: str) -> str:
    """Letters and digits alone, without case, ligatures and accents that stand apart."""
    parted = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in parted if sign.isalnum())
