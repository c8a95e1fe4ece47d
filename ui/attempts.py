"""How often somebody may try to log in. Counts failures in memory, by name, by address, and by both together.

A name alone is limited loosely, so that a stranger who keeps guessing does not keep its owner out; each pair of name
and address tightly. Behind a proxy all come from one address: there the limits of names do the work.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

# Failures at once, and seconds until one more is allowed.
_PAIR, _NAME, _ADDRESS = (5, 30.0), (40, 20.0), (40, 3.0)
_REMEMBERED = 20_000


class Attempts:
    """Failures so far. `clock` gives seconds; for one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By key: how much of its allowance is used up, and when that was so.
        self._used: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, name: str, address: str) -> int:
        """0: the next try is allowed; else after so many seconds."""
        now = self._clock()
        waits = [
            (self._now_used(key, seconds, now) + 1 - most) * seconds
            for key, (most, seconds) in _limits(name, address).items()
        ]
        return max(0, math.ceil(max(waits)))

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        for key, (_, seconds) in _limits(name, address).items():
            self._used[key] = (self._now_used(key, seconds, now) + 1, now)
            self._used.move_to_end(key)
        while len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Take the count of this try back: whoever gets in was not guessing."""
        now = self._clock()
        for key, (_, seconds) in _limits(name, address).items():
            self._used[key] = (max(0.0, self._now_used(key, seconds, now) - 1), now)
        self._used.pop((name, address), None)

    def _now_used(self, key: tuple[str, str], seconds: float, now: float) -> float:
        used, since = self._used.get(key, (0.0, now))
        return max(0.0, used - (now - since) / seconds)


def _limits(name: str, address: str) -> dict[tuple[str, str], tuple[int, float]]:
    return {(name, address): _PAIR, (name, ""): _NAME, ("", address): _ADDRESS}
