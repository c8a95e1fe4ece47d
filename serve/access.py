"""Who may talk to this process: Host, Origin, logins, keys and their limits, checked before any route or websocket.

Pure ASGI. Against DNS rebinding, requests from foreign pages, and strangers on the network; knows no route's meaning.
With a list of users, every request that passes has one: `user` (the id), `role` and `name` stand in its state, and
`key`, the name of the key that it came with, if it did.
"""

import base64
import binascii
import math
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import ServeError
from core.page_addresses import takes_uploads
from core.sessions import LOGIN_PATH, LOGOUT_PATH, Sessions
from core.settings import ServeSettings
from core.users import User, UserList
from serve.api_keys import ApiKey, KeyRing
from serve.body_limit import too_large, with_limited_body
from serve.http_errors import error_response
from serve.own_hosts import OwnHosts, is_loopback
from serve.rate_limit import RateLimit
from serve.request_record import record_of

_OPEN_PATHS = ("/health", "/ready")
# What a login page needs before anybody has logged in. All of it is the same for everybody.
_LOGIN_PATHS = (LOGIN_PATH, LOGOUT_PATH, "/favicon.ico")
_LOGIN_ASSETS = "/page-assets/"
_TRUSTED = "graft.trusted"
Refusal = tuple[int, str, str, dict[str, str]]


def check_bind(settings: ServeSettings, users: UserList | None = None) -> None:
    """Raise ServeError for a bind that strangers could reach without login or key, or an unusable keys file."""
    if settings.api_keys_file is not None:
        KeyRing(settings.api_keys_file, may_be_empty=users is not None)
    elif users is None and not is_loopback(settings.host):
        raise ServeError(
            f"host '{settings.host}' can be reached from other machines: set auth_file to a list of users "
            "(graft users), or serve.api_keys_file to a file of hashed API keys (docs/api.md), or bind to 127.0.0.1"
        )


def is_trusted(scope: Scope) -> bool:
    """Whether the request showed a key or a login, or none is needed."""
    return bool(scope.get(_TRUSTED))


class AccessMiddleware:
    """Lets a request through to `app`, or refuses it in one JSON line. Raises ServeError for an unusable keys file.

    With `users` each request needs one of them: by a key, or, with `sessions`, by a login; whoever opens a page without
    is led to the login page.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServeSettings,
        users: UserList | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._app, self._users, self._sessions = app, users, sessions
        self._hosts = OwnHosts(settings)
        keys = settings.api_keys_file
        self._keys = KeyRing(keys, may_be_empty=users is not None) if keys else None
        self._largest_mib, self._per_minute = settings.max_body_mib, settings.requests_per_minute
        self._upload_mib = settings.max_upload_mib
        self._rate = RateLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal, largest = self._check(scope)
        if refusal is None:
            await with_limited_body(self._app, largest, scope, receive, send)
        elif self._sessions is not None and refusal[0] == 401 and _opens_page(scope):
            await RedirectResponse(_login_path(scope), 303)(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:100]})
        else:
            await _refuse(refusal, scope, receive, send)

    def _check(self, scope: Scope) -> tuple[Refusal | None, int]:
        """Why a request may not pass, if so, and how many bytes its body may have."""
        headers = Headers(scope=scope)
        key = self._key(headers.get("authorization", ""))
        user = self._user(key, headers)
        if self._users is not None and key is not None and user is None:
            key = None  # its user is gone
        # A page's own route for uploads holds each of the files to a limit of its own.
        uploads = takes_uploads(scope["path"])
        usual = max(self._largest_mib, self._upload_mib) if uploads else self._largest_mib
        largest = int(((key and key.max_body_mib) or usual) * 2**20)
        return self._refusal(scope, headers, key, user, largest), largest

    def _user(self, key: ApiKey | None, headers: Headers) -> User | None:
        """Whom of the list a request is from: whose key it shows, else who is logged in."""
        if self._users is None:
            return None
        if key is not None:
            return self._users.named(key.owner)
        return self._sessions.user_of(headers.get("cookie", "")) if self._sessions is not None else None

    def _refusal(
        self, scope: Scope, headers: Headers, key: ApiKey | None, user: User | None, largest: int
    ) -> Refusal | None:
        foreign = self._hosts.refusal(headers, (scope.get("server") or ("",))[0])
        if foreign is not None:
            return 403, *foreign, {}
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > largest:
            return 413, too_large(largest), "body_too_large", {}
        if self._users is not None:
            # Also where nobody is known: nothing further out has a say in it.
            known = ("", None, "") if user is None else (user.id, user.role, user.name)
            scope.setdefault("state", {}).update(zip(("user", "role", "name"), known, strict=True))
            scope["state"]["key"] = key.name if key else ""
        scope[_TRUSTED] = trusted = self._is_let_in(key, user)
        is_api = scope["path"] == "/v1" or scope["path"].startswith("/v1/")
        if trusted:
            return self._too_many(scope, key, user) if is_api else None
        if scope["path"] in _OPEN_PATHS or self._leads_to_login(scope["path"]):
            return None
        # A browser's own dialogue for names and keys would hide the login page.
        challenge = "Bearer" if is_api or self._sessions is not None else 'Basic realm="Graft", charset="UTF-8"'
        message = "a valid API key is needed: send 'Authorization: Bearer KEY', or log in with your name and key"
        if self._sessions is not None:
            message = "log in first, or send a valid API key: 'Authorization: Bearer KEY'"
        return 401, message, "invalid_api_key", {"WWW-Authenticate": challenge}

    def _is_let_in(self, key: ApiKey | None, user: User | None) -> bool:
        if self._users is not None:
            return user is not None
        return self._keys is None or key is not None

    def _leads_to_login(self, path: str) -> bool:
        return self._sessions is not None and (path in _LOGIN_PATHS or path.startswith(_LOGIN_ASSETS))

    def _too_many(self, scope: Scope, key: ApiKey | None, user: User | None) -> Refusal | None:
        """A refusal once the key has used up its minute. Without keys, all callers share one, or all of one user.

        So do keys of a user without a limit of their own: users make keys themselves, and would multiply their minute.
        """
        record = record_of(scope)
        record.key, record.user = key.name if key else "", user.name if user else ""
        own = key is not None and key.requests_per_minute is not None
        name = record.key if own or user is None else f"login {user.name}"
        allowed = (key and key.requests_per_minute) or self._per_minute
        if allowed is None or scope.get("method") != "POST":
            return None
        seconds = self._rate.seconds_to_wait(name, allowed)
        if not seconds:
            return None
        message = f"more than {allowed} requests in a minute: try again in {math.ceil(seconds)} s"
        return 429, message, "rate_limit_exceeded", {"Retry-After": str(math.ceil(seconds))}

    def _key(self, authorization: str) -> ApiKey | None:
        """The key that a request shows, if it is one of the file's."""
        scheme, _, value = authorization.partition(" ")
        if self._keys is None:
            return None
        if scheme.lower() == "bearer":
            return self._keys.find(value.strip())
        if scheme.lower() != "basic":
            return None
        try:
            name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        found = self._keys.find(secret)
        return found if found is not None and found.name == name else None


def _opens_page(scope: Scope) -> bool:
    is_get = scope["type"] == "http" and scope["method"] == "GET"
    return is_get and "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith("/v1/")


def _login_path(scope: Scope) -> str:
    """The login page, which leads back to what was asked for."""
    wanted = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope.get("query_string") else "")
    return LOGIN_PATH if wanted == "/" else f"{LOGIN_PATH}?next={quote(wanted, safe='')}"


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    status, message, code, headers = refusal
    record_of(scope).error = code
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
    await error_response(status, message, kind, code, headers)(scope, receive, send)
