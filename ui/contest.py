"""Several ways of answering, asked the same question at once. Knows turns and the service, not Gradio."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from core.service import DomainService
from core.turns import Turn
from ui.conversation import run
from ui.writing import Writing

_PAUSE_SECONDS = 0.1


async def compete(
    service: DomainService, turns: Sequence[Turn], writings: Sequence[Writing]
) -> AsyncGenerator[tuple[Turn, ...]]:
    """Yield all turns as they grow, until each is done, stopped or failed. Raises nothing that a service raises.

    `writings`, one for each turn, stop it. Closing or cancelling this iterator stops all.
    """
    news: asyncio.Queue[tuple[int, Turn] | None] = asyncio.Queue()

    async def follow(number: int) -> None:
        async with aclosing(run(service.stream, turns[number], writings[number])) as states:
            async for state in states:
                news.put_nowait((number, state))

    async def follow_all() -> None:
        try:
            await asyncio.gather(*(follow(number) for number in range(len(turns))))
        finally:
            news.put_nowait(None)

    task = asyncio.create_task(follow_all())
    now = list(turns)
    try:
        while (item := await news.get()) is not None:
            now[item[0]] = item[1]
            # What comes shortly after one another is drawn together.
            await asyncio.sleep(_PAUSE_SECONDS)
            while not news.empty():
                item = news.get_nowait()
                if item is None:
                    yield tuple(now)
                    return
                now[item[0]] = item[1]
            yield tuple(now)
    finally:
        task.cancel()
        await asyncio.wait([task])
