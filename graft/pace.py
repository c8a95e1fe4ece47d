"""How far a lab is and how long it will take, from what it tells of itself. Pure: no clock of its own."""

import time
from collections.abc import Callable, Sequence

# Each arm under control is asked so many times more: another passage, shuffled, falsified.
_CONTROLS = 3


class Pace:
    """Questions that are asked under `arms`, one arm after another; those in `controls` once more for each control.

    Stages that are no arm (a model that starts, an adapter that trains) have no share of their own.
    """

    def __init__(
        self, arms: Sequence[str], controls: Sequence[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._weights = dict.fromkeys(arms, 1) | {f"{name}, tampered": _CONTROLS for name in controls}
        self._clock = clock
        self._parts: dict[str, float] = {}
        self._answered = 0
        self._seconds = 0.0
        self._stage = ""
        self._last = (0, 0.0)
        self._questions = 0

    def tell(self, stage: str, done: int, total: int) -> tuple[float, float | None]:
        """The share of the whole that is done, and the seconds that are left where anything can be said of them."""
        now = self._clock()
        if stage not in self._weights:
            return self.share, None
        if stage == self._stage:
            # What came from the cache is there at the first word of a stage, and took no time.
            before, then = self._last
            self._answered += max(done - before, 0)
            self._seconds += now - then
        self._stage, self._last = stage, (done, now)
        if self._weights[stage] == 1:
            self._questions = total
        self._parts[stage] = done / total if total else 1.0
        if not self._answered or not self._questions:
            return self.share, None
        left = sum(weight * (1 - self._parts.get(name, 0.0)) for name, weight in self._weights.items())
        return self.share, left * self._questions * self._seconds / self._answered

    @property
    def share(self) -> float:
        """The share that is done."""
        whole = sum(self._weights.values())
        done = sum(weight * self._parts.get(name, 0.0) for name, weight in self._weights.items())
        return done / whole if whole else 0.0
