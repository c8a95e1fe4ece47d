"""Controls: is the context used? The same questions again, their passages tampered with.

`distractor`: the passages that hold the evidence give way to passages of other questions. `shuffled`: the same passages
in another order. `invented`: in the evidence another value stands in place of the right one, and the answer should
follow. Only questions are asked whose evidence was in the prompt: the others have no right passage to lose.
"""

import random
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from core.types import STRUCTURED, Answer, Example, Passage
from evaluation.fields import canonical, compare_fields
from evaluation.scores import evidence_passages
from evaluation.words import holds

Kind = Literal["distractor", "shuffled", "invented"]
KINDS: tuple[Kind, ...] = ("distractor", "shuffled", "invented")
_SHORTEST_VALUE = 3
_NUMBER = re.compile(r"\d+")


class Tampered(NamedTuple):
    """One question of a control: its place in the lab, its passages, and for `invented` what was put for what."""

    place: int
    passages: tuple[Passage, ...]
    path: str = ""
    right: str = ""
    invented: str = ""


def tamper(kind: Kind, examples: Sequence[Example], answers: Sequence[Answer | None], seed: int) -> list[Tampered]:
    """The questions of a control, in the order of the lab; `answers` are those to the untouched passages."""
    draw = random.Random(f"{seed}:{kind}")
    found = []
    for index, (example, answer) in enumerate(zip(examples, answers, strict=True)):
        if not example.answerable or not example.evidence or answer is None:
            continue
        holders = evidence_passages(example, answer.passages)
        if not all(holders):
            continue
        right = {number for numbers in holders for number in numbers}
        if kind == "shuffled":
            changed = _shuffled(answer.passages, draw)
        elif kind == "distractor":
            changed = _distracted(example, answer.passages, right, examples, answers, draw)
        else:
            changed = _invented(index, example, answer.passages, right, examples)
            if isinstance(changed, Tampered):
                found.append(changed)
            continue
        if changed is not None:
            found.append(Tampered(index, changed))
    return found


def said_value(task: Tampered, example: Example, answer: Answer | None) -> Literal["invented", "right", "other"]:
    """Which value an answer to an invented fact gives."""
    if answer is None or answer.refused:
        return "other"
    if example.format in STRUCTURED:
        assert isinstance(example.answer, dict)
        fields = compare_fields(example.answer, answer.answer, "").fields
        said = next((field.found for field in fields if field.path == task.path and field.found is not None), None)
        if said is None:
            return "other"
        return "invented" if canonical(said) == canonical(task.invented) else (
            "right" if canonical(said) == canonical(task.right) else "other"
        )  # fmt: skip
    if holds(answer.text, task.invented):
        return "invented"
    return "right" if holds(answer.text, task.right) else "other"


def _shuffled(passages: Sequence[Passage], draw: random.Random) -> tuple[Passage, ...] | None:
    """The passages in another order, numbered anew; None where there is no other order."""
    if len(passages) < 2:
        return None
    order = list(passages)
    while [p.number for p in order] == [p.number for p in passages]:
        draw.shuffle(order)
    return tuple(passage.model_copy(update={"number": n}) for n, passage in enumerate(order, start=1))


def _distracted(
    example: Example,
    passages: Sequence[Passage],
    right: set[int],
    examples: Sequence[Example],
    answers: Sequence[Answer | None],
    draw: random.Random,
) -> tuple[Passage, ...] | None:
    """The passages with those that hold the evidence replaced by ones that were found for other records."""
    here = {(passage.source, passage.text) for passage in passages}
    pool = [
        passage
        for other, answer in zip(examples, answers, strict=True)
        if answer is not None and other.record != example.record
        for passage in answer.passages
        if (passage.source, passage.text) not in here and not any(evidence_passages(example, [passage]))
    ]
    if not pool:
        return None
    return tuple(
        draw.choice(pool).model_copy(update={"number": passage.number}) if passage.number in right else passage
        for passage in passages
    )


def _invented(
    index: int, example: Example, passages: Sequence[Passage], right: set[int], examples: Sequence[Example]
) -> Tampered | None:
    """One value of the answer replaced in every passage; None where no value can be told apart in the evidence."""
    for path, value, other in values_of(example, examples):
        pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
        evidence = [passage for passage in passages if passage.number in right and pattern.search(passage.text)]
        if not evidence or holds(example.question, value) or any(holds(p.text, other) for p in evidence):
            continue
        changed = tuple(
            passage.model_copy(update={"text": pattern.sub(lambda _, other=other: other, passage.text)})
            for passage in passages
        )
        return Tampered(index, changed, path, value, other)
    return None


def values_of(example: Example, examples: Sequence[Example]) -> list[tuple[str, str, str]]:
    """Values of the expected answer, each with its path and another value in its place."""
    if isinstance(example.answer, dict):
        found = []
        for path, value in _plain_fields(example.answer):
            other = _sibling(path, value, example, examples)
            if other is not None:
                found.append((path, value, other))
        return found
    numbers = [number for number in _NUMBER.findall(str(example.answer)) if len(number) > 1]
    return [("", number, _other_number(number)) for number in numbers]


def _plain_fields(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields at the top with a text long enough to be found."""
    return [(key, value) for key, value in answer.items() if isinstance(value, str) and len(value) >= _SHORTEST_VALUE]


def _sibling(path: str, value: str, example: Example, examples: Sequence[Example]) -> str | None:
    """The value that another example of the same schema has in this field; a number's digits moved on without one."""
    for other in examples:
        if other.schema_name == example.schema_name and isinstance(other.answer, dict):
            found = other.answer.get(path)
            if isinstance(found, str) and len(found) >= _SHORTEST_VALUE and canonical(found) != canonical(value):
                return found
    return _other_number(value) if _NUMBER.search(value) else None


def _other_number(text: str) -> str:
    """The same text with every digit moved on by three, none of them to a leading zero."""
    return _NUMBER.sub(lambda match: "".join(str((int(d) + 2) % 9 + 1) for d in match[0]), text)
