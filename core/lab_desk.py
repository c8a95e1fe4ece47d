"""What the page needs to run labs and read them. Knows no stage.

Two implementations: graft.lab_desk over the labs of a served domain, and the one of the page's tests.
"""

from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel

RunState = Literal["running", "done", "failed", "stopped"]


class LabArm(BaseModel):
    """A way of answering that a lab can ask. `name` is what commands call it; `missing` says what it lacks, if it does.

    `adapter` names the adapter of an arm that is bound to one; `created` when that was made.
    """

    name: str
    missing: str = ""
    adapter: str = ""
    created: str = ""


class LabOffer(BaseModel):
    """What can be asked now: arms, and how many test questions there are. `missing`: why nothing can be asked."""

    arms: list[LabArm] = []
    default: list[str] = []
    questions: int = 0
    seed: int = 0
    missing: str = ""


class LabWish(BaseModel):
    """What is to be run. `questions` None: all of them, else a sample drawn by `seed`.

    `controls`: every arm with passages is asked again with passages tampered with. `learning_curve`: adapters are
    trained on shares of the examples first, and asked as well.
    """

    arms: list[str]
    questions: int | None = None
    seed: int | None = None
    controls: bool = False
    learning_curve: bool = False


class LabFigure(BaseModel):
    """One arm of a finished lab in the figure that arms are compared by: shares from 0 to 1, None: not measured."""

    arm: str
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    misses: int = 0


class LabRunRow(BaseModel):
    """One lab: running, finished or cut short. `share`: how far; `stage`: what it is at; `detail`: what went wrong.

    `measure` is what `figures` are in. `report`: there is a report to read.
    """

    name: str
    created: str = ""
    state: RunState
    arms: list[str] = []
    questions: int | None = None
    adapter: str = ""
    stage: str = ""
    share: float = 0.0
    seconds_left: float | None = None
    detail: str = ""
    measure: str = ""
    figures: list[LabFigure] = []
    report: bool = False


class ComparedFigure(BaseModel):
    """One figure of one arm in two labs, on the questions of both. Shares from 0 to 1."""

    arm: str
    measure: str
    before: float
    after: float
    mean: float
    low: float
    high: float
    n: int
    regressed: bool = False


class LabComparison(BaseModel):
    """Two labs, question by question. `left_out`: arms that only one of them asked."""

    figures: list[ComparedFigure]
    left_out: list[str] = []
    same_test_set: bool = True
    tolerance: float = 0.01


class MissClassRow(BaseModel):
    """One class of misses of an arm: how many, what it means, what helps, and the command to begin with.

    `trainable`: more or other examples can mend it.
    """

    kind: str
    count: int
    meaning: str
    remedy: str
    command: str
    trainable: bool = False


class MissRow(BaseModel):
    """One miss: what was asked, wanted and said."""

    kind: str
    question: str
    format: str
    expected: str
    said: str
    evidence: list[str] = []


class LabErrors(BaseModel):
    """The misses of one arm of one lab. `found` is how many there are of the class that was asked for."""

    run: str
    arm: str
    arms: list[str]
    questions: int
    classes: list[MissClassRow]
    misses: list[MissRow]
    found: int


class Collecting(BaseModel):
    """What became of turning misses into examples to review; `state` None: it was never begun."""

    state: RunState | None = None
    share: float = 0.0
    stage: str = ""
    detail: str = ""


class LabDesk(Protocol):
    """The labs of one domain. Every method raises GraftError subclasses whose message says what to do. May block."""

    def offer(self) -> LabOffer:
        """What can be asked now."""
        ...

    def runs(self) -> list[LabRunRow]:
        """All labs, newest first."""
        ...

    def start(self, wish: LabWish) -> str:
        """Begin a lab in a process of its own; returns its name. Raises RequestError while another runs."""
        ...

    def cancel(self, run: str) -> None:
        """Stop a lab; what was answered is kept."""
        ...

    def go_on(self, run: str) -> None:
        """Let a lab that was cut short go on where it was. Raises RequestError while another runs."""
        ...

    def compare(self, before: str, after: str) -> LabComparison:
        """What has become better or worse from one lab to another."""
        ...

    def errors(self, run: str, arm: str | None, kind: str | None, limit: int) -> LabErrors:
        """The misses of an arm (by default the one that a lab is about), of one class or all, the first `limit`."""
        ...

    def collect(self, run: str, arm: str, kind: str | None, count: int) -> None:
        """Let examples be written near the misses, in a process of its own; they wait for review."""
        ...

    def collecting(self) -> Collecting:
        """How far that is."""
        ...

    def report(self, run: str) -> Path | None:
        """The file of a lab's report, None where there is none."""
        ...
