"""The wire between the pool and a parsing process: a request with an open file one way, a reply the other.

One request is answered before the next is sent. Knows nothing of what either says.
"""

import array
import json
import socket
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">Q")
_PIECE = 1 << 20


class ChannelClosed(Exception):  # noqa: N818 - not an error: the other side is done, or dead
    """The other side is gone."""


def send_request(channel: socket.socket, request: dict[str, Any], handle: int) -> None:
    """Send a request and, with it, an open file. Raises OSError when nobody listens."""
    message = json.dumps(request).encode() + b"\n"
    # The file travels with the first byte.
    socket.send_fds(channel, [message[:1]], [handle])
    channel.sendall(message[1:])


def receive_request(channel: socket.socket) -> tuple[dict[str, Any], int]:
    """The next request and the file that came with it; the caller closes it. Raises ChannelClosed."""
    handles = array.array("i")
    space = socket.CMSG_SPACE(handles.itemsize)
    message, ancillary, *_ = channel.recvmsg(1, space, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            handles.frombytes(data[: len(data) - len(data) % handles.itemsize])
    while message and not message.endswith(b"\n"):
        piece = channel.recv(_PIECE)
        if not piece:
            raise ChannelClosed
        message += piece
    if not message or not handles:
        raise ChannelClosed
    return json.loads(message), handles[0]


def send_reply(channel: socket.socket, reply: dict[str, Any]) -> None:
    """Send a reply of any length."""
    message = json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace")
    channel.sendall(_LENGTH.pack(len(message)))
    channel.sendall(message)


def receive_reply(channel: socket.socket, seconds: float, max_bytes: int) -> dict[str, Any]:
    """The reply to the request that was sent last.

    Raises TimeoutError after `seconds`, ChannelClosed when the other side ended, ValueError when it sends more than
    `max_bytes` or no JSON object.
    """
    deadline = time.monotonic() + seconds
    (length,) = _LENGTH.unpack(_receive(channel, _LENGTH.size, deadline))
    if length > max_bytes:
        raise ValueError(f"a reply of {length >> 20} MiB")
    reply = json.loads(_receive(channel, length, deadline))
    if not isinstance(reply, dict):
        raise ValueError("a reply that is no object")  # noqa: TRY004 - one kind of error for one kind of fault
    return reply


def _receive(channel: socket.socket, length: int, deadline: float) -> bytes:
    received = bytearray()
    while len(received) < length:
        channel.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            piece = channel.recv(min(_PIECE, length - len(received)))
        except ConnectionError as error:
            raise ChannelClosed from error
        if not piece:
            raise ChannelClosed
        received += piece
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(received)
