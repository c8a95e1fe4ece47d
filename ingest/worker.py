"""The parsing process: receives open files, sends back parsed documents or pictures. Run as `python -m ingest.worker`.

A process of its own, so that a hostile or broken file can at worst end it: before it sees the first one it has given
up the network, every file but its code and a scratch folder, and all memory over a limit (`ingest/sandbox.py`).
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from core.printable import printable
from ingest.channel import ChannelClosed, receive_request, send_reply
from ingest.sandbox import allow_seconds, restrict


def main(options: dict[str, Any]) -> None:
    """Answer requests `{"source"}` or `{"draw"}` on standard input, a socket, until it closes.

    `options`: `scratch` (folder), `memory_bytes`, `seconds` and `max_bytes` for each file.
    """
    channel = _take_channel()
    protections = restrict(Path(options["scratch"]), options["memory_bytes"])
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    from ingest.offline import make_offline

    make_offline()
    send_reply(channel, {"protections": protections})
    while True:
        try:
            request, handle = receive_request(channel)
        except (ChannelClosed, ConnectionError):
            return
        allow_seconds(options["seconds"])
        with os.fdopen(handle, "rb") as file:
            reply = _handle(request, file.read(options["max_bytes"] + 1), options["max_bytes"])
        if "error" in reply:
            # Reasons quote the file: nothing in them may reach a terminal as anything but text.
            reply["error"] = printable(reply["error"])
        send_reply(channel, reply)


def _handle(request: dict[str, Any], data: bytes, max_bytes: int) -> dict[str, Any]:
    import hashlib

    if len(data) > max_bytes:
        return {"error": "grew over the size limit while it was read"}
    reply: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest()}
    try:
        if "draw" in request:
            from ingest.page_drawing import draw_page

            return draw_page(data, request["draw"]["page"], request["draw"]["words"])
        from ingest.partition import parse

        document = parse(request["source"], data)
        if len(document.text) > max_bytes:
            raise ValueError(f"holds {len(document.text) >> 20} million characters: split it (ingest.max_file_mib)")
        return {**reply, "document": document.to_json()}
    except ValueError as error:
        return {**reply, "error": str(error)}
    except MemoryError:
        return {**reply, "error": "needs more memory to parse than is allowed (ingest.parse_memory_mib)"}
    except RecursionError:
        return {**reply, "error": "is nested too deeply"}
    except Exception as error:  # noqa: BLE001 - whatever a parser raises rejects its file, by name
        words = " ".join(str(error).split())[:200]
        return {**reply, "error": f"cannot be parsed: {type(error).__name__}{': ' if words else ''}{words}"}


def _take_channel() -> socket.socket:
    """The socket on standard input, out of reach of programs that this process starts."""
    channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return channel


def _end_with(parent: int) -> None:
    """End this process, and what it started, when the one that started it is gone (it may have been killed)."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
