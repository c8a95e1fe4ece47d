"""Groups a stream of events for a page: one batch per `pause` at most, an empty batch as a tick while nothing comes.

The ticks keep a seconds counter alive, and let the server notice within a second that a browser has gone away.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


async def batches(
    items: AsyncIterator[Item],
    started: Callable[[Callable[[], object]], None] = lambda _cancel: None,
    pause: float = 0.06,
    tick: float = 1.0,
) -> AsyncGenerator[list[Item]]:
    """Yield lists of items in order; an empty list after `tick` seconds without one. Errors of `items` are raised.

    `items` runs in one task of its own. When this iterator is closed or cancelled, that task is cancelled and `items`
    is closed before this returns: an abandoned answer stops costing anything. `started` is handed a function that
    cancels the task too; this iterator then ends after what had already come.
    """
    queue: asyncio.Queue[Item | _End] = asyncio.Queue()
    task = asyncio.create_task(_pump(items, queue))
    # A callback, because a task that is cancelled before its first step runs none of its own code.
    task.add_done_callback(lambda ended: queue.put_nowait(_End(None if ended.cancelled() else ended.exception())))
    started(task.cancel)
    try:
        while True:
            try:
                received = [await asyncio.wait_for(queue.get(), tick)]
            except TimeoutError:
                yield []
                continue
            if not isinstance(received[0], _End):
                await asyncio.sleep(pause)
            while not queue.empty():
                received.append(queue.get_nowait())
            end = received.pop() if isinstance(received[-1], _End) else None
            batch = [item for item in received if not isinstance(item, _End)]
            if batch:
                yield batch
            if isinstance(end, _End):
                if end.error is not None:
                    raise end.error
                return
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _pump(items: AsyncIterator[Item], queue: "asyncio.Queue[Item | _End]") -> None:
    try:
        async for item in items:
            queue.put_nowait(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
