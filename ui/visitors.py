"""Who a request is from: without logins, one user per browser, known by a signed cookie. Pure ASGI.

Whoever is known stands in the request's state as `user`, and what they may as `role`, where the page's events and
routes read it (`user_of`, `role_of`). A login in front of the page sets the same; this then leaves it alone.
"""

import hashlib
import hmac
import re
import secrets
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.cookies import cookie
from core.roles import Right, Role, may
from ui.html_traffic import is_html, opens_page

COOKIE = "graft_user"
_YEAR_SECONDS = 365 * 24 * 3600
_VALUE = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")


class Visitors:
    """Reads the cookie of every request, and gives one to a browser that opens a page without."""

    def __init__(self, app: ASGIApp, secret: bytes) -> None:
        self.app, self._secret = app, secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its user in the state."""
        if scope["type"] not in {"http", "websocket"} or scope.get("state", {}).get("user"):
            await self.app(scope, receive, send)
            return
        # Nobody is asked who they are: whoever reaches the page may all of it.
        scope.setdefault("state", {})["role"] = Role.ADMIN
        user = verified(cookie(Headers(scope=scope).get("cookie", ""), COOKIE), self._secret)
        opening = opens_page(scope)
        if user is None and opening:
            user = secrets.token_hex(16)
        if user is not None:
            scope["state"]["user"] = user

        async def send_with_cookie(message: Message) -> None:
            if is_html(message):
                # Also where there is one already: its year begins anew.
                MutableHeaders(raw=message["headers"]).append("set-cookie", self._set_cookie(user or "", scope))
            await send(message)

        await self.app(scope, receive, send_with_cookie if user and opening else send)

    def _set_cookie(self, user: str, scope: Scope) -> str:
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        return f"{COOKIE}={signed(user, self._secret)}; Path=/; Max-Age={_YEAR_SECONDS}; HttpOnly; SameSite=Lax{secure}"


def user_of(request: Any) -> str | None:
    """The user behind a Starlette or Gradio request; None for a browser that keeps no cookies."""
    state = getattr(request, "state", None)
    user = getattr(state, "user", None)
    return str(user) if user else None


def role_of(request: Any) -> Role | None:
    """What whoever is behind a Starlette or Gradio request may; None: nothing is known of them."""
    role = getattr(getattr(request, "state", None), "role", None)
    return role if isinstance(role, Role) else None


def name_of(request: Any) -> str:
    """The name under which whoever is behind a request logged in; empty where nobody logs in."""
    return str(getattr(getattr(request, "state", None), "name", None) or "")


def key_of(request: Any) -> str:
    """The name of the API key that a request came with; empty for a login."""
    return str(getattr(getattr(request, "state", None), "key", None) or "")


def allows(request: Any, right: Right) -> bool:
    """Whether whoever is behind a request holds a right."""
    return may(role_of(request), right)


def signed(user: str, secret: bytes) -> str:
    """The cookie's value for a user."""
    return f"{user}.{hmac.new(secret, user.encode(), hashlib.sha256).hexdigest()}"


def verified(value: str, secret: bytes) -> str | None:
    """The user that a cookie's value names, if this server signed it."""
    match = _VALUE.fullmatch(value)
    if match is None or not hmac.compare_digest(value, signed(match.group(1), secret)):
        return None
    return match.group(1)
