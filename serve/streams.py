"""Work that stops when its client goes away, and responses made of pieces. Knows ASGI, and no content."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeVar, cast

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ClientGoneError(Exception):
    """The client has closed its connection; nobody reads the answer."""


def closing(items: AsyncIterator[T]) -> AbstractAsyncContextManager[AsyncGenerator[T, None]]:
    """Close `items` on leaving, however that happens: closing the service's events aborts the generation."""
    return aclosing(cast(AsyncGenerator[T, None], items))


async def until_disconnected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, in one task. Cancels it, and raises ClientGoneError, once the client disconnects."""
    task = asyncio.create_task(work)
    watch = asyncio.create_task(_disconnection(receive))
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        task.cancel()
        watch.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class StreamedResponse(StreamingResponse):
    """Pieces of text, sent as they come. Closes `pieces` when the client goes away.

    The status line goes out with the first piece: an error before it is raised, and becomes an ordinary error response.
    An error after it is written into the stream by `write_error`.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[str, None],
        *,
        write_error: Callable[[Exception], str],
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        unbuffered = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(pieces, headers={**unbuffered, **(headers or {})}, media_type=media_type)
        self._pieces, self._write_error = pieces, write_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one request."""
        try:
            await until_disconnected(receive, self._send_all(send))
        except ClientGoneError:
            return

    async def _send_all(self, send: Send) -> None:
        started = False

        async def write(text: str) -> None:
            nonlocal started
            if not started:
                started = True
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        async with closing(self._pieces) as pieces:
            try:
                async for piece in pieces:
                    await write(piece)
            except Exception as error:
                if not started:
                    raise
                logger.warning("a stream ended with an error", exc_info=error)
                await write(self._write_error(error))
        if not started:
            await write("")
        await send({"type": "http.response.body", "body": b"", "more_body": False})
