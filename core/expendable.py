"""Work in a thread that the end of the process does not wait for. Knows not what the work is."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_expendable_thread(work: Callable[[], T]) -> T:
    """The result of `work`, done in a daemon thread of its own; what it raises is raised here.

    For long work that may be killed at any moment. asyncio.to_thread is for everything else: the end of an event loop
    waits for its threads, so that Ctrl-C would seem to do nothing until the work is done. As there, work whose caller
    is cancelled goes on.
    """
    result: Future[T] = Future()
    result.set_running_or_notify_cancel()  # from here on it cannot be cancelled from outside
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  raised again where the result is awaited
            result.set_exception(error)

    threading.Thread(target=run, name="graft-expendable", daemon=True).start()
    return await asyncio.wrap_future(result)
