"""Who may talk to this process: Host, Origin, keys and their limits, checked before any route, page or websocket.

Pure ASGI. Against DNS rebinding, requests from foreign pages, and strangers on the network; knows no route's meaning.
"""

import base64
import binascii
import math
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import ServeError
from core.settings import ServeSettings
from serve.api_keys import ApiKey, KeyRing
from serve.body_limit import too_large, with_limited_body
from serve.http_errors import error_response
from serve.rate_limit import RateLimit
from serve.request_record import record_of

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
        self._largest_mib, self._per_minute = settings.max_body_mib, settings.requests_per_minute
        self._rate = RateLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal, largest = self._check(scope)
        if refusal is None:
            await with_limited_body(self._app, largest, scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:100]})
        else:
            await _refuse(refusal, scope, receive, send)

    def _check(self, scope: Scope) -> tuple[Refusal | None, int]:
        """Why a request may not pass, if so, and how many bytes its body may have."""
        headers = Headers(scope=scope)
        key = self._key(headers.get("authorization", ""))
        largest = int(((key and key.max_body_mib) or self._largest_mib) * 2**20)
        return self._refusal(scope, headers, key, largest), largest

    def _refusal(self, scope: Scope, headers: Headers, key: ApiKey | None, largest: int) -> Refusal | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        host = _split_host(hosts[0]) if len(hosts) == 1 else None
        if host is None or not self._is_own(host[0], scope):
            name = hosts[0][:100] if hosts else ""
            return 403, f"host '{name}' is not served here: add it to serve.allowed_hosts", "host_not_allowed", {}
        if origins and not (len(origins) == 1 and self._is_own_origin(origins[0], host)):
            message = f"origin '{origins[0][:100]}' may not call this: add its host to serve.allowed_hosts"
            return 403, message, "origin_not_allowed", {}
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > largest:
            return 413, too_large(largest), "body_too_large", {}
        scope[_TRUSTED] = trusted = self._keys is None or key is not None
        is_api = scope["path"] == "/v1" or scope["path"].startswith("/v1/")
        if trusted:
            return self._too_many(scope, key) if is_api else None
        if scope["path"] in _OPEN_PATHS:
            return None
        challenge = "Bearer" if is_api else 'Basic realm="Graft", charset="UTF-8"'
        message = "a valid API key is needed: send 'Authorization: Bearer KEY', or log in with your name and key"
        return 401, message, "invalid_api_key", {"WWW-Authenticate": challenge}

    def _too_many(self, scope: Scope, key: ApiKey | None) -> Refusal | None:
        """A refusal once the key has used up its minute. Without keys, all callers share one."""
        name = record_of(scope).key = key.name if key else ""
        allowed = (key and key.requests_per_minute) or self._per_minute
        if allowed is None or scope.get("method") != "POST":
            return None
        seconds = self._rate.seconds_to_wait(name, allowed)
        if not seconds:
            return None
        message = f"more than {allowed} requests in a minute: try again in {math.ceil(seconds)} s"
        return 429, message, "rate_limit_exceeded", {"Retry-After": str(math.ceil(seconds))}

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


def _split_host(value: str) -> tuple[str, int | None] | None:
    """Name (lower case, without brackets) and port of a Host header, or None when it is malformed."""
    if not value or any(character in value for character in "/@?#\\ "):
        return None
    try:
        parts = urlsplit(f"//{value}")
        return (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    status, message, code, headers = refusal
    record_of(scope).error = code
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
    await error_response(status, message, kind, code, headers)(scope, receive, send)
