"""A long piece of work that a page follows: what it is at, and what came of it. Knows no Gradio."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

from core.corpus_desk import Progress
from core.errors import GraftError
from ui.conversation import UNEXPECTED
from ui.language import marked, t

log = logging.getLogger(__name__)
Result = TypeVar("Result")
_LOOK_SECONDS = 0.4
_STAGES = {
    "parse": marked("Reading"),
    "embed": marked("Embedding"),
    "store": marked("Storing"),
    "verify": marked("Checking"),
    "copy": marked("Copying"),
}
_WORKING = marked("Working")


def stage_words(stage: str) -> str:
    """What a stage of the work is called."""
    return t(_STAGES.get(stage, stage) or _WORKING)


class Job(Generic[Result]):
    """`work` is called with a function that is told stage and share. `result` or `error` are there when `follow` ends.

    The work goes on when its follower leaves: an index is not left half updated because a browser was closed.
    """

    def __init__(self, work: Callable[[Progress], Awaitable[Result]]) -> None:
        self._work = work
        self.result: Result | None = None
        self.error = ""
        self.stage, self.share = "", 0.0

    async def follow(self, look: float = _LOOK_SECONDS) -> AsyncGenerator[tuple[str, float]]:
        """Yield stage and share every `look` seconds until the work is done. Raises nothing that the work raises."""
        task = asyncio.ensure_future(self._run())
        while not task.done():
            yield self.stage, self.share
            await asyncio.wait([task], timeout=look)

    async def _run(self) -> None:
        try:
            self.result = await self._work(self._tell)
        except GraftError as error:
            self.error = str(error)
        except Exception:
            log.exception("work on the index failed")
            self.error = UNEXPECTED

    def _tell(self, stage: str, share: float) -> None:
        self.stage, self.share = stage, share
