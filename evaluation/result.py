"""What a lab run found, question by question: answers and scores arm by arm. Knows no figure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.arms import Arm
from core.files import write_lines
from core.settings import PriceSettings
from core.types import Example
from evaluation.asking import Outcome
from evaluation.misses import MissClass
from evaluation.scores import Score


@dataclass(frozen=True)
class ArmRun:
    """One arm: outcomes, scores and classes of misses, each in the order of the lab's questions.

    `seconds` is the wall time of the arm, or None when some answers came from the cache.
    """

    arm: Arm
    model: str | None
    outcomes: list[Outcome]
    scores: list[Score]
    misses: list[MissClass | None]
    seconds: float | None

    @property
    def concurrency(self) -> int | None:
        """How many questions were asked at once when these were answered; None: not always the same, or no answer.

        Answers from the cache keep theirs, whatever the lab's is now.
        """
        known = {outcome.concurrency for outcome in self.outcomes if outcome.answer is not None}
        return known.pop() if len(known) == 1 else None


@dataclass(frozen=True)
class LabData:
    """A whole lab run: what was asked of which arms, and what came of it.

    `shares`: of the training records that an arm's adapter saw, where not all; `curve`: those that make up a learning
    curve.
    """

    domain: str
    title: str
    test_hash: str
    test_size: int
    adapter: str | None
    questions: list[Example]
    runs: dict[str, ArmRun]
    limit: int | None
    seed: int
    bootstrap: int
    concurrency: int
    icl_examples: int | None
    created: str
    prices: PriceSettings = field(default_factory=PriceSettings)
    training_seconds: dict[str, float] = field(default_factory=dict)
    style: dict[str, dict[str, float]] = field(default_factory=dict)
    controls: dict[str, dict[str, Any]] = field(default_factory=dict)
    curve: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def write_answers(result: LabData, path: Path) -> None:
    """Write every answer beside its example, score and class of miss: one JSON document per line."""
    rows = [
        {
            "arm": name,
            "example": example.model_dump(mode="json", by_alias=True),
            "answer": outcome.answer.model_dump(mode="json", by_alias=True) if outcome.answer else None,
            "failure": outcome.failure,
            "score": score.model_dump(mode="json"),
            "miss": miss,
        }
        for name, run in result.runs.items()
        for example, outcome, score, miss in zip(result.questions, run.outcomes, run.scores, run.misses, strict=True)
    ]
    write_lines(path, rows)
