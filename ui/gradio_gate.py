"""Gradio's own routes, each under the user of the request: sessions and uploads of others are not there. Pure ASGI.

Gradio takes a session for whoever knows its hash, and a file for whoever knows its path. Here the first user who shows
a session's hash has it, an upload belongs to whoever sent it, and routes that this page does not use do not exist; some
of those would fetch any address for a caller. Knows nothing of what the events do.
"""

import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.page_addresses import GRADIO
from ui.visitors import user_of

_REMEMBERED = 50_000
# Exact routes and beginnings of routes, as far as the page's own script calls them.
_ROUTES = frozenset(
    {"queue/join", "queue/data", "queue/status", "upload", "upload_progress", "cancel", "reset", "info", "theme.css"}
    | {"startup-events", "app_id"}
)
_ROUTES_BELOW = ("run/", "heartbeat/", "file=")
_ELSEWHERE = ("/monitoring",)


class Belongings:
    """What belongs to whom: session hashes and uploaded files, by the user who came with them first."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, str] = OrderedDict()
        self._files: OrderedDict[str, set[str]] = OrderedDict()

    def has_session(self, user: str, session: str) -> bool:
        """Whether a session is the user's; one that nobody has shown yet is theirs from now on."""
        owner = self._sessions.setdefault(session, user)
        self._sessions.move_to_end(session)
        _shorten(self._sessions)
        return owner == user

    def has_file(self, user: str, path: str) -> bool:
        """Whether the user has uploaded a file."""
        return user in self._files.get(os.path.abspath(path), ())  # noqa: PTH100  as Gradio does; links are not followed

    def add_file(self, user: str, path: str) -> None:
        """The user has uploaded a file. The same content under the same name has one path, whoever sends it."""
        self._files.setdefault(os.path.abspath(path), set()).add(user)  # noqa: PTH100
        _shorten(self._files)


class GradioGate:
    """Lets a request through to Gradio's app where all that it names is its user's own."""

    def __init__(self, app: ASGIApp, belongings: Belongings) -> None:
        self.app, self._belongings = app, belongings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = get_route_path(scope)  # below where the page is mounted: each language has its own place
        route = path.removeprefix(GRADIO).rstrip("/") if path.startswith(GRADIO) else None
        if scope["type"] != "http" or (route is None and not path.startswith(_ELSEWHERE)):
            await self.app(scope, receive, send)
            return
        user = user_of(Request(scope)) or ""
        if route is None or not self._may_pass(user, route, scope):
            await _not_here(scope, receive, send)
        elif route == "upload":
            await self.app(_uncompressed(scope), receive, self._noting_files(user, send))
        elif scope["method"] == "POST":
            await self._checked_body(user, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _may_pass(self, user: str, route: str, scope: Scope) -> bool:
        """Whether the page uses the route, and what the address names is the user's."""
        if route not in _ROUTES and not route.startswith(_ROUTES_BELOW):
            return False
        if route.startswith("file=") and not self._belongings.has_file(user, route.removeprefix("file=")):
            return False
        return all(self._belongings.has_session(user, session) for session in _sessions_named(scope, route))

    async def _checked_body(self, user: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        try:
            content = json.loads(body) if body else {}
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict) or not self._is_own(user, content):
            await _not_here(scope, receive, send)
            return
        given = [False]

        async def again() -> Message:
            if given[0]:
                return await receive()
            given[0] = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)

    def _is_own(self, user: str, content: dict[str, Any]) -> bool:
        session = content.get("session_hash")
        if session is not None and not (isinstance(session, str) and self._belongings.has_session(user, session)):
            return False
        return all(isinstance(path, str) and self._belongings.has_file(user, path) for path in _files_named(content))

    def _noting_files(self, user: str, send: Send) -> Send:
        held: list[bytes] = []

        async def note(message: Message) -> None:
            if message["type"] == "http.response.body":
                held.append(message.get("body", b""))
                if not message.get("more_body"):
                    _each_path(b"".join(held), lambda path: self._belongings.add_file(user, path))
            await send(message)

        return note


def _uncompressed(scope: Scope) -> Scope:
    """The request as from somebody who takes the answer as it is: compressed, it could not be read here."""
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}


def _sessions_named(scope: Scope, route: str) -> list[str]:
    """Session hashes in the address of a request."""
    named = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [])
    return [*named, route.removeprefix("heartbeat/")] if route.startswith("heartbeat/") else named


def _files_named(value: Any) -> Iterator[Any]:
    """Paths of files that the values of an event point at, in the form that Gradio reads as a file."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if "path" in one and "meta" in one:
                yield one["path"]
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)


def _each_path(answer: bytes, do: Callable[[str], None]) -> None:
    try:
        paths = json.loads(answer)
    except ValueError:
        return  # a refusal
    for path in paths if isinstance(paths, list) else ():
        if isinstance(path, str):
            do(path)


def _shorten(known: OrderedDict[str, Any]) -> None:
    while len(known) > _REMEMBERED:
        known.popitem(last=False)


async def _not_here(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": "there is nothing of yours here"}, 404)(scope, receive, send)
