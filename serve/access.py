"""Who may talk to this process: Host, Origin, body size and keys, checked before any route, page or websocket.

Pure ASGI. Against DNS rebinding, requests from foreign pages, and strangers on the network; knows no route's meaning.
"""

import base64
import binascii
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import ServeError
from core.settings import ServeSettings
from serve.api_keys import KeyRing
from serve.http_errors import error_response

_OPEN_PATHS = ("/health", "/ready")
_TRUSTED = "graft.trusted"
Refusal = tuple[int, str, str, dict[str, str]]


def check_bind(settings: ServeSettings) -> None:
    """Raise ServeError for a bind that strangers could reach without a key, or an unusable keys file."""
    if settings.api_keys_file is not None:
        KeyRing(settings.api_keys_file)
    elif not is_loopback(settings.host):
        raise ServeError(
            f"host '{settings.host}' can be reached from other machines: set serve.api_keys_file to a file of hashed "
            "API keys (docs/api.md), or bind to 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_trusted(scope: Scope) -> bool:
    """Whether the request showed a key, or none is needed."""
    return bool(scope.get(_TRUSTED))


class AccessMiddleware:
    """Lets a request through to `app`, or refuses it in one JSON line. Raises ServeError for an unusable keys file."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app = app
        self._bound = settings.host.strip("[]").lower()
        self._names = {name.lower() for name in settings.allowed_hosts}
        self._keys = KeyRing(settings.api_keys_file) if settings.api_keys_file else None
        self._largest = int(settings.max_body_mib * 2**20)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await _with_capped_body(self._app, self._largest, scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:100]})
        else:
            await _refuse(refusal, scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        host = _split_host(hosts[0]) if len(hosts) == 1 else None
        if host is None or not self._is_own(host[0], scope):
            name = hosts[0][:100] if hosts else ""
            return 403, f"host '{name}' is not served here: add it to serve.allowed_hosts", "host_not_allowed", {}
        if origins and not (len(origins) == 1 and self._is_own_origin(origins[0], host)):
            message = f"origin '{origins[0][:100]}' may not call this: add its host to serve.allowed_hosts"
            return 403, message, "origin_not_allowed", {}
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > self._largest:
            return _too_large(self._largest)
        trusted = self._keys is None or self._has_key(headers.get("authorization", ""), self._keys)
        scope[_TRUSTED] = trusted
        if trusted or scope["path"] in _OPEN_PATHS:
            return None
        is_api = scope["path"] == "/v1" or scope["path"].startswith("/v1/")
        challenge = "Bearer" if is_api else 'Basic realm="Graft", charset="UTF-8"'
        message = "a valid API key is needed: send 'Authorization: Bearer KEY', or log in with your name and key"
        return 401, message, "invalid_api_key", {"WWW-Authenticate": challenge}

    def _is_own(self, host: str, scope: Scope) -> bool:
        if is_loopback(host) or host in self._names:
            return True
        # With a wildcard bind, the address that the connection came in on: an address cannot be rebound, a name can.
        arrived = (scope.get("server") or ("",))[0]
        return host in (self._bound, arrived) and host not in ("", "0.0.0.0", "::")  # noqa: S104

    def _is_own_origin(self, origin: str, host: tuple[str, int | None]) -> bool:
        """A page of this very server (same port as in Host), or of an allowed host."""
        try:
            parts = urlsplit(origin)
            name, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not name:
            return False
        if name in self._names:
            return True
        default = 443 if parts.scheme == "https" else 80
        same_port = (port or default) == (host[1] or default)
        return same_port and (name == host[0] or (is_loopback(name) and is_loopback(host[0])))

    def _has_key(self, authorization: str, keys: KeyRing) -> bool:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return keys.holder(value.strip()) is not None
        if scheme.lower() != "basic":
            return False
        try:
            name, _, key = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        return bool(name) and keys.holder(key) == name


def _split_host(value: str) -> tuple[str, int | None] | None:
    """Name (lower case, without brackets) and port of a Host header, or None when it is malformed."""
    if not value or any(character in value for character in "/@?#\\ "):
        return None
    try:
        parts = urlsplit(f"//{value}")
        return (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None


def _too_large(largest: int) -> Refusal:
    message = f"the request body is larger than {largest / 2**20:g} MiB (serve.max_body_mib): send less"
    return 413, message, "body_too_large", {}


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    status, message, code, headers = refusal
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    await error_response(status, message, kind, code, headers)(scope, receive, send)


async def _with_capped_body(app: ASGIApp, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app`; a body that turns out too large looks to it like a lost client, and to the client like 413."""
    if scope["type"] != "http":
        await app(scope, receive, send)
        return
    size, started = 0, False

    async def counted() -> Message:
        nonlocal size
        if size > largest:
            return {"type": "http.disconnect"}
        message = await receive()
        size += len(message.get("body", b""))
        return {"type": "http.disconnect"} if size > largest else message

    async def guarded(message: Message) -> None:
        nonlocal started
        if size > largest and not started:
            return
        started = True
        await send(message)

    try:
        await app(scope, counted, guarded)
    except Exception:
        if size <= largest or started:
            raise
    if size > largest and not started:
        await _refuse(_too_large(largest), scope, receive, send)
