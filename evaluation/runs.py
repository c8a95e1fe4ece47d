"""Lab runs that are on disk: the figures of one, its answers, and the misses among them. Asks nothing."""

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import LabError, RequestError
from core.files import read_json
from core.types import Answer, Example
from evaluation.misses import REMEDIES, MissClass
from evaluation.scores import Score

LAB_FILE, ANSWERS_FILE = "lab.json", "answers.jsonl"


class AnswerRow(BaseModel):
    """One line of answers.jsonl: an example, what an arm made of it, and what that is worth."""

    model_config = ConfigDict(frozen=True)

    arm: str
    example: Example
    answer: Answer | None
    failure: str | None
    score: Score
    miss: MissClass | None


class Run(BaseModel):
    """One lab run: where it is, its lab.json and its answers."""

    folder: Path
    document: dict[str, Any]
    rows: list[AnswerRow]

    @property
    def arms(self) -> list[str]:
        """Names of its arms, in order."""
        return list(self.document["arms"])

    @property
    def focus(self) -> str:
        """The arm that one looks at first: the one of the margin, else the best in the comparing figure."""
        margin = self.document.get("margin")
        if margin:
            return str(margin["arm"])
        primary = self.document["primary"]
        figures = {name: arm[primary] for name, arm in self.document["arms"].items()}
        return max(figures, key=lambda name: figures[name]["mean"] if figures[name] else -1.0)


class Miss(BaseModel):
    """One miss for people: what was asked, wanted and said, why it missed, what helps and where to begin."""

    arm: str
    id: str
    question: str
    format: str
    expected: str
    said: str
    evidence: list[str]
    kind: MissClass
    meaning: str
    remedy: str
    command: str


def read_run(folder: Path) -> Run:
    """Read a run. Raises LabError naming what is missing or broken."""
    document = read_json(folder / LAB_FILE, LabError)
    if not isinstance(document, dict) or not document.get("arms"):
        raise LabError(f"{folder / LAB_FILE} is not a lab's result: run the lab again")
    path = folder / ANSWERS_FILE
    rows, number = [], 0
    try:
        for line in path.read_text(encoding="utf-8").split("\n"):
            number += 1
            if line.strip():
                rows.append(AnswerRow.model_validate(json.loads(line)))
    except FileNotFoundError as error:
        raise LabError(f"{path} is missing: it stands beside the lab.json of every run") from error
    except (OSError, ValueError, ValidationError) as error:
        raise LabError(f"{path}:{number}: cannot be read; run the lab again") from error
    return Run(folder=folder, document=document, rows=rows)


def find_run(name: str | None, folder: Path) -> Path:
    """The folder of a run: by path of it or of its lab.json, by name in `folder`, `latest` (also None), `previous`.

    Raises LabError with the known names.
    """
    known = sorted((path.parent for path in folder.glob(f"*/{LAB_FILE}")), key=_when)
    if name in (None, "latest", "previous"):
        wanted = 2 if name == "previous" else 1
        if len(known) < wanted:
            raise LabError(f"no {'earlier ' if wanted == 2 else ''}lab run in {folder}: run graft lab first")
        return known[-wanted]
    for path in (Path(str(name)), folder / str(name)):
        if path.name == LAB_FILE and path.is_file():
            return path.parent
        if (path / LAB_FILE).is_file():
            return path
    names = ", ".join(path.name for path in known) or "none"
    raise LabError(f"no lab run '{name}': give a folder with lab.json, latest, previous, or one of {names}")


def misses(run: Run, arm: str, kinds: Sequence[str] = (), reference: str | None = None) -> list[Miss]:
    """The misses of one arm, of some classes or of all, in the order of the test set. Raises RequestError.

    `reference` is how commands name the domain, where that is not its name.
    """
    _check(run, arm, kinds)
    domain = shlex.quote(reference or str(run.document["domain"]))
    return [_miss(row, domain) for row in missed_rows(run, arm, kinds)]


def missed_rows(run: Run, arm: str, kinds: Sequence[str] = ()) -> list[AnswerRow]:
    """The rows behind `misses`. Raises RequestError."""
    _check(run, arm, kinds)
    return [row for row in run.rows if row.arm == arm and row.miss and (not kinds or row.miss in kinds)]


def count_misses(run: Run, arm: str) -> Counter[str]:
    """How many misses of each class an arm has."""
    return Counter(row.miss for row in run.rows if row.arm == arm and row.miss)


def _check(run: Run, arm: str, kinds: Sequence[str]) -> None:
    if arm not in run.arms:
        raise RequestError(f"no arm '{arm}' in that lab: it asked {', '.join(run.arms)}")
    for kind in kinds:
        if kind not in get_args(MissClass):
            raise RequestError(f"no class '{kind}': choose from {', '.join(get_args(MissClass))}")


def _miss(row: AnswerRow, domain: str) -> Miss:
    assert row.miss is not None
    remedy = REMEDIES[row.miss]
    command = remedy.command
    if command.startswith("graft search"):
        command = command.replace("graft search", f"graft search {shlex.quote(row.example.question)}", 1)
    return Miss(
        arm=row.arm,
        id=row.example.id,
        question=row.example.question,
        format=row.example.format,
        expected=_text(row.example.answer) if row.example.answerable else "a refusal",
        said=_said(row),
        evidence=[f"{e.source}: {e.quote}" for e in row.example.evidence],
        kind=row.miss,
        meaning=remedy.meaning,
        remedy=remedy.remedy,
        command=f"{command} --domain {domain}",
    )


def _said(row: AnswerRow) -> str:
    if row.answer is None:
        return row.failure or "(failed)"
    if row.answer.refused:
        return "(refused)"
    return row.answer.text or row.answer.raw or "(nothing)"


def _text(answer: object) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _when(folder: Path) -> tuple[int, str]:
    return (folder / LAB_FILE).stat().st_mtime_ns, folder.name
