"""Refuses chat requests while the queue is full, before their body is read: a no that comes at once. Pure ASGI.

The queue itself refuses too; this spares an overloaded process the reading of what it would refuse.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import OverloadedError
from serve.admission import TOO_MANY
from serve.http_errors import respond_with

CHAT_PATH = "/v1/chat/completions"


class EarlyRefusal:
    """Lets a request through to `app`, unless it is for the chat and `is_full()`."""

    def __init__(self, app: ASGIApp, is_full: Callable[[], bool]) -> None:
        self._app, self._is_full = app, is_full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        asks = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == CHAT_PATH
        app = respond_with(scope, OverloadedError(TOO_MANY)) if asks and self._is_full() else self._app
        await app(scope, receive, send)
