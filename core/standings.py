"""Who wins when answers are compared: win rates with intervals, from votes. Numbers only."""

import math
from collections.abc import Iterable

from pydantic import BaseModel

from core.arms import SCHEMA_SUFFIX
from core.feedback import Vote
from core.turns import Turn

_Z95 = 1.959964


class Standing(BaseModel):
    """One contestant: an arm, and the adapter it used, if any. `rate` from 0 to 1, `low` to `high` its 95% interval."""

    arm: str
    adapter: str
    votes: int
    rate: float
    low: float
    high: float


def standings(votes: Iterable[Vote]) -> list[Standing]:
    """Contestants, the best first.

    In each vote a contestant scores 1 for winning, 0 for losing, and one half where nobody won; against itself (two
    answers of one kind) nothing is counted. Intervals are Wilson's, with the votes as independent trials.
    """
    scores: dict[tuple[str, str], list[float]] = {}
    for vote in votes:
        kinds = [contestant(turn) for turn in vote.turns]
        if len(set(kinds)) < 2:
            continue
        best = kinds[vote.winner] if vote.outcome == "winner" and vote.winner is not None else None
        for kind in dict.fromkeys(kinds):
            scores.setdefault(kind, []).append(0.5 if best is None else float(kind == best))
    found = [_standing(kind, given) for kind, given in scores.items()]
    return sorted(found, key=lambda one: (-one.rate, -one.votes, one.arm, one.adapter))


def contestant(turn: Turn) -> tuple[str, str]:
    """What answered: the arm, and the adapter's served name or an empty string."""
    name = turn.question.arm.name.removesuffix(SCHEMA_SUFFIX)
    if not turn.question.arm.adapter:
        return name, ""
    return name, (turn.answer.model if turn.answer else "") or turn.question.adapter or ""


def wilson(rate: float, trials: int, z: float = _Z95) -> tuple[float, float]:
    """Wilson's interval for a share of `trials`."""
    if trials == 0:
        return 0.0, 1.0
    middle = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _standing(kind: tuple[str, str], given: list[float]) -> Standing:
    rate = sum(given) / len(given)
    low, high = wilson(rate, len(given))
    return Standing(arm=kind[0], adapter=kind[1], votes=len(given), rate=rate, low=low, high=high)
