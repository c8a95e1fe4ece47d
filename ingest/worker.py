"""The parsing process: reads requests from stdin, writes parsed documents to stdout, one JSON line each.

A process of its own, so that a hostile or broken file can at worst end it: no network, limited memory, no writing
outside its temporary folder. Started as `python -m ingest.worker`.
"""

import json
import os
import stat
import sys
import threading
import time
from typing import IO, Any

_MEMORY_BYTES = 3 << 30


def main() -> None:
    """Serve requests `{"path", "source", "max_bytes"}` until stdin closes."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print must not get between the replies.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    from ingest.offline import forbid_network, make_offline

    make_offline()
    forbid_network()
    for line in requests:
        _reply(replies, _handle(json.loads(line)))


def _handle(request: dict[str, Any]) -> dict[str, Any]:
    import hashlib

    from ingest.partition import parse

    try:
        data = _read(request["path"], request["max_bytes"])
        sha256 = hashlib.sha256(data).hexdigest()
    except OSError as error:
        return {"error": f"cannot be read: {error.strerror or error}"}
    except ValueError as error:
        return {"error": str(error)}
    try:
        return {"sha256": sha256, "document": parse(request["source"], data).to_json()}
    except ValueError as error:
        return {"sha256": sha256, "error": str(error)}
    except MemoryError:
        return {"sha256": sha256, "error": "needs more memory to parse than is allowed"}
    except RecursionError:
        return {"sha256": sha256, "error": "is nested too deeply"}
    except Exception as error:  # noqa: BLE001 - whatever a parser raises rejects its file, by name
        return {
            "sha256": sha256,
            "error": f"cannot be parsed: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
        }


def _read(path: str, max_bytes: int) -> bytes:
    # The file may have been swapped since it was found: never wait on a FIFO, never follow a new link.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("is no longer a regular file")
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError("grew over the size limit while it was read")
    return data


def _reply(replies: IO[bytes], value: dict[str, Any]) -> None:
    replies.write(json.dumps(value).encode() + b"\n")
    replies.flush()


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone (it may have been killed)."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _limit() -> None:
    import resource

    # Data, not address space: pandoc reserves a terabyte of addresses that it never touches.
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


if __name__ == "__main__":
    main()
