"""Which names this server goes by: Host and Origin of a request against them. Knows no keys and no routes.

Against DNS rebinding and requests from foreign pages.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from core.settings import ServeSettings


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class OwnHosts:
    """The names and addresses that requests may carry."""

    def __init__(self, settings: ServeSettings) -> None:
        self._bound = settings.host.strip("[]").lower()
        self._names = {name.lower() for name in settings.allowed_hosts}

    def refusal(self, headers: Headers, arrived: str) -> tuple[str, str] | None:
        """Message and code where a request names somebody else. `arrived`: the address that it came in on."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        host = _split_host(hosts[0]) if len(hosts) == 1 else None
        if host is None or not self._is_own(host[0], arrived):
            name = hosts[0][:100] if hosts else ""
            return f"host '{name}' is not served here: add it to serve.allowed_hosts", "host_not_allowed"
        if origins and not (len(origins) == 1 and self._is_own_origin(origins[0], host)):
            message = f"origin '{origins[0][:100]}' may not call this: add its host to serve.allowed_hosts"
            return message, "origin_not_allowed"
        return None

    def _is_own(self, host: str, arrived: str) -> bool:
        if is_loopback(host) or host in self._names:
            return True
        # With a wildcard bind, the address that the connection came in on: an address cannot be rebound, a name can.
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


def _split_host(value: str) -> tuple[str, int | None] | None:
    """Name (lower case, without brackets) and port of a Host header, or None when it is malformed."""
    if not value or any(character in value for character in "/@?#\\ "):
        return None
    try:
        parts = urlsplit(f"//{value}")
        return (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
