"""Structured answers, field by field: which expected values an object holds, leaving out what the question gave away.

Objects are compared leaf by leaf along their paths. The items of a list of plain values are compared in any order,
the items of other lists by position. Knows no example, arm or figure.
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from core.answer_text import fold
from evaluation.overlap import token_f1
from evaluation.words import holds

_NEGATIVE = re.compile(r"[\s`'\"]*-(?=\d[\d.,]*[\s`'\"]*$)")


class FieldScore(BaseModel):
    """One expected field. `counts` is False when the question holds the value; `f1` is the token F1 of the values."""

    path: str
    expected: str
    found: str | None
    correct: bool
    f1: float
    counts: bool


class FieldsScore(BaseModel):
    """All expected fields of one answer. `extra` counts values of the answer that nobody asked for."""

    fields: list[FieldScore]
    extra: int

    @property
    def exact_match(self) -> float | None:
        """Share of the counting fields that are right; None when the question gave all of them away."""
        counting = [field.correct for field in self.fields if field.counts]
        return sum(counting) / len(counting) if counting else None

    @property
    def f1(self) -> float | None:
        """Mean token F1 of the counting fields, each extra value counting as a field with 0."""
        counting = [field.f1 for field in self.fields if field.counts]
        return sum(counting) / (len(counting) + self.extra) if counting else None


def compare_fields(expected: dict[str, Any], found: Any, question: str) -> FieldsScore:
    """Compare an expected object with what a model answered (anything at all; None when there is no answer)."""
    said: dict[str, list[Any]] = {}
    for path, value in _leaves(found) if isinstance(found, dict) else ():
        said.setdefault(path, []).append(value)
    wanted: dict[str, list[Any]] = {}
    for path, value in _leaves(expected):
        wanted.setdefault(path, []).append(value)
    fields: list[FieldScore] = []
    matched = 0
    for path, values in wanted.items():
        pairs = _pair(values, said.get(path, []))
        matched += sum(index is not None for index in pairs)
        fields += [
            _field(path, value, None if index is None else said[path][index], question, missing=index is None)
            for value, index in zip(values, pairs, strict=True)
        ]
    return FieldsScore(fields=fields, extra=sum(map(len, said.values())) - matched)


def canonical(value: Any) -> str:
    """A leaf as it is compared: case, punctuation and white space folded.

    Two things survive the folding because they are the value itself: the sign of a number, and a value that is nothing
    but punctuation (`[]` and `{}` differ).
    """
    if value is None:
        return "null"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    folded = fold(text)
    if not folded:
        return "".join(text.strip("`'\"* \t\n").split())
    return f"-{folded}" if _NEGATIVE.match(text) else folded


def _field(path: str, expected: Any, found: Any, question: str, *, missing: bool) -> FieldScore:
    correct = not missing and canonical(expected) == canonical(found)
    return FieldScore(
        path=path,
        expected=_shown(expected),
        found=None if missing else _shown(found),
        correct=correct,
        f1=1.0 if correct else 0.0 if missing else _near(expected, found),
        counts=not holds(question, _shown(expected)),
    )


def _near(expected: Any, found: Any) -> float:
    """Token F1 of two values that are not the same; 0 when only the sign differs."""
    if canonical(expected).lstrip("-") == canonical(found).lstrip("-"):
        return 0.0
    return token_f1(_shown(expected), _shown(found))


def _pair(wanted: list[Any], said: list[Any]) -> list[int | None]:
    """For each wanted value the index of the said value it is compared with: equal ones first, then the nearest."""
    scored = sorted(
        (
            (2.0 if canonical(want) == canonical(say) else _near(want, say), -i, -j)
            for i, want in enumerate(wanted)
            for j, say in enumerate(said)
        ),
        reverse=True,
    )
    pairs: list[int | None] = [None] * len(wanted)
    taken: set[int] = set()
    for _, i, j in scored:
        if pairs[-i] is None and -j not in taken:
            pairs[-i] = -j
            taken.add(-j)
    return pairs


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        if any(isinstance(item, dict | list) for item in value):
            for index, item in enumerate(value):
                yield from _leaves(item, f"{path}[{index}]")
        else:
            yield from ((f"{path}[]", item) for item in value)
    elif path:
        yield path, value


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
