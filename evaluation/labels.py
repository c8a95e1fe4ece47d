"""What people say about answers: right or wrong, one line each, and how well a metric or a judge agrees with them.

A label belongs to a question and the very answer that was read: the same answer in a later run keeps it.
"""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.appended_lines import append_line, appended_lines
from core.errors import LabError
from core.files import sha256_json
from evaluation.bootstrap import Bootstrap, Ratio
from evaluation.runs import AnswerRow

LABELS_FILE = "labels.jsonl"


class Label(BaseModel):
    """One verdict of a person. `key` names question and answer; question and answer stand here to be read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    id: str
    question: str
    answer: str
    right: bool


class Labels:
    """The labels of a domain in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._right = {label.key: label.right for label in _read(path)}

    def __len__(self) -> int:
        return len(self._right)

    def get(self, row: AnswerRow) -> bool | None:
        """What was said about this answer; None when nobody has read it."""
        return self._right.get(answer_key(row))

    def add(self, row: AnswerRow, *, right: bool) -> None:
        """Write a verdict down; a later one about the same answer counts. Raises WorkspaceError."""
        text = row.answer.text if row.answer else ""
        label = Label(key=answer_key(row), id=row.example.id, question=row.example.question, answer=text, right=right)
        append_line(self.path, label.model_dump())
        self._right[label.key] = right


def answer_key(row: AnswerRow) -> str:
    """Hash of what is judged: the whole example, and what was answered."""
    said = None if row.answer is None else [row.answer.text, row.answer.answer, row.answer.refused]
    return sha256_json([row.example.model_dump(mode="json"), said])


def to_label(rows: Sequence[AnswerRow], labels: Labels, count: int, seed: int) -> list[AnswerRow]:
    """A seeded sample of `count` answered rows; those that have a label are in it, but not in the result.

    The sample is drawn before labels are looked at: what was easy to label must not decide what is.
    """
    answered = [row for row in rows if row.answer is not None]
    order = list(range(len(answered)))
    random.Random(seed).shuffle(order)
    chosen = sorted(order[:count])
    return [answered[index] for index in chosen if labels.get(answered[index]) is None]


def agreement(
    rows: Sequence[AnswerRow], said: Mapping[str, bool], labels: Labels, resamples: int, seed: int
) -> dict[str, Any]:
    """How verdicts (`said`, by answer key) agree with labels: `agreement` with its interval, `kappa`, and where not.

    `too_kind` are answers called right that people called wrong, `too_strict` the other way round.
    """
    known = [
        (row, said[answer_key(row)], right)
        for row in rows
        if answer_key(row) in said and (right := labels.get(row)) is not None
    ]
    if not known:
        return {"n": 0, "agreement": None, "kappa": None, "too_kind": [], "too_strict": []}
    bootstrap = Bootstrap([row.example.record for row, _, _ in known], resamples, seed)
    figure = bootstrap.figure(Ratio([(float(verdict == right), 1.0) for _, verdict, right in known]))
    assert figure is not None
    return {
        "n": len(known),
        "agreement": figure.rounded(),
        "kappa": _kappa([(verdict, right) for _, verdict, right in known]),
        "too_kind": [row.example.id for row, verdict, right in known if verdict and not right],
        "too_strict": [row.example.id for row, verdict, right in known if right and not verdict],
    }


def metric_verdicts(rows: Sequence[AnswerRow]) -> dict[str, bool]:
    """What the lab's rules say: right unless classed as a miss."""
    return {answer_key(row): row.miss is None for row in rows if row.answer is not None}


def agreement_line(name: str, found: Mapping[str, Any]) -> str:
    """The agreement as a sentence."""
    if not found["n"]:
        return f"{name}: no labelled answers to compare with (graft lab label)"
    low, high = found["agreement"]["ci95"]
    kappa = "" if found["kappa"] is None else f", kappa {found['kappa']:.2f}"
    return (
        f"{name} agrees with people in {found['agreement']['mean']:.1%} [{low:.1%}, {high:.1%}] of {found['n']} "
        f"answers{kappa}; too kind {len(found['too_kind'])}, too strict {len(found['too_strict'])}"
    )


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa: agreement beyond chance; None where chance alone explains all of it."""
    n = len(pairs)
    same = sum(a == b for a, b in pairs) / n
    left, right = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    chance = left * right + (1 - left) * (1 - right)
    return None if chance == 1 else round((same - chance) / (1 - chance), 4)


def _read(path: Path) -> list[Label]:
    labels = []
    for number, line in appended_lines(path):
        try:
            labels.append(Label.model_validate(json.loads(line)))
        except ValueError as error:
            raise LabError(f"{path}:{number}: not a label; fix or remove the line") from error
    return labels
