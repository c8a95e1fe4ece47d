"""One generation as it grows: its text, token counts, why and when it ended. Knows no prompt and no question."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage

from core.errors import ServeError, TooSlowError
from core.second_try import LOOP_CHARACTERS, is_loop
from core.types import Usage

T = TypeVar("T")


class Draft:
    """One generation as it grows: text, token counts, why it ended. Times in seconds of time.perf_counter."""

    def __init__(self, started: float, deadline: float, *, ends_loops: bool) -> None:
        self.pieces: list[str] = []
        self.usage = Usage()
        self.reason: str | None = None
        self.first_token: float | None = None
        self._started, self._deadline, self._ends_loops = started, deadline, ends_loops

    async def write(
        self, model: BaseChatModel, messages: list[BaseMessage], options: dict[str, Any]
    ) -> AsyncIterator[str]:
        """Pieces of text as they come. Raises TooSlowError when the whole takes too long, ServeError for silence."""
        chunks = model.astream(messages, **options)
        silent, tail = True, ""
        try:
            while (chunk := await in_time(anext(chunks, None), self._deadline)) is not None:
                if not isinstance(chunk, AIMessageChunk):
                    continue
                silent = False
                if chunk.usage_metadata:
                    counts = chunk.usage_metadata
                    self.usage = Usage(prompt_tokens=counts["input_tokens"], completion_tokens=counts["output_tokens"])
                self.reason = chunk.response_metadata.get("finish_reason") or self.reason
                piece = chunk.text
                if not piece:
                    continue
                if self.first_token is None:
                    self.first_token = time.perf_counter() - self._started
                self.pieces.append(piece)
                yield piece
                if self._ends_loops and is_loop(tail := (tail + piece)[-LOOP_CHARACTERS:]):
                    self.reason = "loop"
                    return
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]
        if silent:
            raise ServeError("the model sent no answer; look into the vLLM log of the workspace")


async def in_time(work: Awaitable[T], deadline: float) -> T:
    """The result of `work`. Raises TooSlowError once `deadline` (time.perf_counter) has passed."""
    try:
        async with asyncio.timeout(deadline - time.perf_counter()):
            return await work
    except TimeoutError as error:
        raise TooSlowError("the model took too long to answer: try again, or ask something shorter") from error
