"""Work that the end of the event loop does not wait for: its result and errors come back all the same."""

import asyncio
import contextvars
import threading
import time

import pytest

from core.expendable import in_expendable_thread
from tests.support.scripted_service import until

VOICE = contextvars.ContextVar("VOICE", default="nobody")


def test_what_it_gives_and_raises_comes_back():
    def fail():
        raise ValueError("no")

    async def ask():
        VOICE.set("ann")
        assert await in_expendable_thread(lambda: (VOICE.get(), threading.current_thread().daemon)) == ("ann", True)
        with pytest.raises(ValueError, match="no"):
            await in_expendable_thread(fail)

    asyncio.run(ask())


def test_it_outlives_the_caller_and_the_loop():
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        may_end.wait(20)
        ended.set()

    async def leave():
        asking = asyncio.ensure_future(in_expendable_thread(work))
        await until(begun.is_set)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    started = time.perf_counter()
    asyncio.run(leave())  # its end waits for the threads of asyncio.to_thread
    assert time.perf_counter() - started < 10
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(10)
