"""Request bodies that are too large or too slow: the application sees a lost client, the client a status. Pure ASGI."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.http_errors import error_response
from serve.request_record import record_of

BODY_SECONDS = 30.0
_QUICK = 16 << 20
_GONE: Message = {"type": "http.disconnect"}


async def with_limited_body(app: ASGIApp, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app` with at most `largest` bytes of body, which must all be here BODY_SECONDS from now.

    Where much more than a question is allowed, a second more for each MiB of it.
    """
    if scope["type"] != "http":
        await app(scope, receive, send)
        return
    seconds = BODY_SECONDS + max(0, largest - _QUICK) / 2**20
    deadline = asyncio.get_running_loop().time() + seconds
    size, complete, started, refused = 0, False, False, 0

    async def limited() -> Message:
        nonlocal size, complete, refused
        if refused:
            return _GONE
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            refused = 408
            return _GONE
        size += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        refused = 413 if size > largest else 0
        return _GONE if refused else message

    async def guarded(message: Message) -> None:
        nonlocal started
        if refused and not started:
            return
        started = True
        await send(message)

    try:
        await app(scope, limited, guarded)
    except Exception:
        if not refused or started:
            raise
    if refused and not started:
        await _refuse(refused, largest, scope, receive, send)


def too_large(largest: int) -> str:
    """What a client is told about a body of more than `largest` bytes."""
    return f"the request body is larger than {largest / 2**20:g} MiB (serve.max_body_mib, max_upload_mib): send less"


async def _refuse(status: int, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
    slow = f"the request body did not arrive within {BODY_SECONDS:.0f} seconds"
    message, code = (too_large(largest), "body_too_large") if status == 413 else (slow, "body_too_slow")
    record_of(scope).error = code
    await error_response(status, message, "invalid_request_error", code)(scope, receive, send)
