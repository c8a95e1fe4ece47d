"""How many requests a key may make in a minute: a bucket per key that fills evenly. Knows no HTTP."""

import time
from collections.abc import Callable


class RateLimit:
    """Buckets by name. `clock` gives seconds; for one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def seconds_to_wait(self, name: str, per_minute: int) -> float:
        """Take one request of `name`; 0.0, or the seconds until the next is allowed (then none is taken)."""
        now = self._clock()
        left, since = self._buckets.get(name, (float(per_minute), now))
        left = min(float(per_minute), left + (now - since) * per_minute / 60)
        if left < 1:
            self._buckets[name] = (left, now)
            return (1 - left) * 60 / per_minute
        self._buckets[name] = (left - 1, now)
        return 0.0
