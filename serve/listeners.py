"""Sockets to listen on, with errors that say who or what is in the way. Accepts no connection."""

import contextlib
import errno
import os
import socket
from pathlib import Path

from core.errors import ServeError

_LONGEST_SOCKET_PATH = 107  # sun_path holds 108 bytes on Linux, the closing zero included
_BACKLOG = 256
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def check_port(host: str, port: int) -> None:
    """Raise ServeError when nothing could listen on `host:port` now; the message says who is in the way."""
    for listener in listen_tcp(host, port):
        listener.close()


def listen_tcp(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of `host`. Raises ServeError."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ServeError(f"host '{host}' cannot be resolved: choose --host 127.0.0.1 or another address") from error
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            listeners.append(_listen_on(family, address))
        except OSError as error:
            if error.errno in _NO_SUCH_ADDRESS:
                missing = error  # `localhost` also names ::1 where IPv6 is switched off
                continue
            for listener in listeners:
                listener.close()
            raise ServeError(_explain(error, host, port)) from error
    if missing is not None and not listeners:
        raise ServeError(_explain(missing, host, port)) from missing
    return listeners


def _listen_on(family: int, address: tuple[object, ...]) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off; without it each answer waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use by {_user_of(port)}: stop it or choose --port"
        case errno.EACCES:
            return f"port {port} is for administrators only: choose --port above 1023"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return f"host '{host}' is no address of this machine: choose --host 127.0.0.1"
        case _:
            return f"cannot listen on {host}:{port}: {error.strerror}; choose another --host or --port"


def _user_of(port: int) -> str:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another process"


def listen_unix(path: Path) -> socket.socket:
    """A listening Unix socket, mode 0600 in a folder that only its user can enter. Raises ServeError."""
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise ServeError(f"the socket path {path} is too long for Linux: choose a shorter --workspace")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Before anything stands in it: between bind and chmod the folder's mode is the guard.
        path.parent.chmod(0o700)
        if _answers(path):
            raise ServeError(f"another process listens on {path}: stop that graft first")
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ServeError(
            f"the control socket {path} cannot be made: {error.strerror}; choose another --workspace"
        ) from error
    except ServeError:
        listener.close()
        raise
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
