"""A bounded queue in front of the model: so many answers at once, so many waiting, and a clear no beyond that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import OverloadedError


class Admission:
    """Admits `slots` requests at once, first come first served; up to `waiting` more wait. For one event loop."""

    def __init__(self, slots: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._limit = waiting
        self._waiting = 0

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Raises OverloadedError at once when too many wait already."""
        if self._slots.locked() and self._waiting >= self._limit:
            raise OverloadedError("too many requests wait already: try again in a few seconds")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()
