"""A bounded queue in front of the model: so many answers at once, so many waiting, and a clear no beyond that."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import OverloadedError

TOO_MANY = "too many requests wait already: try again in a few seconds"


class Admission:
    """Admits `slots` requests at once, first come first served; up to `waiting` more wait. For one event loop."""

    def __init__(self, slots: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._limit = waiting
        self._waiting = self._answering = 0

    def counts(self) -> dict[str, float]:
        """How many wait and how many are being answered now."""
        return {"waiting": self._waiting, "answering": self._answering}

    @property
    def is_full(self) -> bool:
        """Whether one more request would be refused now."""
        return self._slots.locked() and self._waiting >= self._limit

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[float]:
        """Wait for a slot and hold it; gives the seconds waited. Raises OverloadedError at once when too many wait."""
        if self.is_full:
            raise OverloadedError(TOO_MANY)
        began = time.perf_counter()
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        self._answering += 1
        try:
            yield time.perf_counter() - began
        finally:
            self._answering -= 1
            self._slots.release()
