"""One parsing process as the pool sees it: started, asked, stopped; a reason in words when it dies or is too slow."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import IngestError
from ingest.channel import ChannelClosed, receive_reply, send_request
from ingest.sandbox import environment

_START_SECONDS = 120.0
# A reply holds the text of a file, which is bounded, with its blocks as JSON.
_REPLY_FACTOR = 8
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Limits:
    """What one file may take: `max_bytes` on disk, `seconds` of time, `memory_bytes` to be parsed."""

    max_bytes: int
    seconds: float = 120.0
    memory_bytes: int = 3 << 30


def probe(memory_bytes: int) -> dict[str, str]:
    """What the system enforces on a parsing process (`memory`, `files`, `network`; empty: nothing), by starting one.

    Raises IngestError.
    """
    with tempfile.TemporaryDirectory(prefix="graft-probe-") as scratch:
        process = ParsingProcess(Path(scratch), Limits(1 << 20, memory_bytes=memory_bytes))
        process.stop()
        return process.protections


class ParserDied(Exception):  # noqa: N818 - says what became of a file
    """The process ended, or was ended, over a file; the message is the reason for its rejection."""


class ParsingProcess:
    """A process that parses one file at a time. `protections` says what the system enforces on it.

    Raises IngestError when the process does not start.
    """

    def __init__(self, scratch: Path, limits: Limits) -> None:
        self._limits, self._stopping = limits, threading.Lock()
        self._scratch = Path(tempfile.mkdtemp(prefix="worker-", dir=scratch))
        self._log = self._scratch.with_suffix(".log")
        options = {**asdict(limits), "scratch": os.fspath(self._scratch)}
        self._channel, theirs = socket.socketpair()
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ingest.worker", json.dumps(options)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=environment(self._scratch, _ROOT, os.environ),
                cwd=self._scratch,
                start_new_session=True,
            )
        try:
            self.protections: dict[str, str] = receive_reply(self._channel, _START_SECONDS, 1 << 20)["protections"]
        except (ChannelClosed, OSError, ValueError, KeyError) as error:
            lines = self._log.read_text(errors="replace").split("\n")
            self.stop()
            last = next((line for line in reversed(lines) if line.strip()), "no reason given")
            raise IngestError(f"the parsing process does not start ({last.strip()[:200]}): run graft doctor") from error

    def ask(self, source: str, handle: int) -> dict[str, Any]:
        """Have the open file `handle` parsed as `source`. Raises ParserDied; the process is gone then."""
        return self._request({"source": source}, handle)

    def draw(self, wanted: dict[str, Any], handle: int) -> dict[str, Any]:
        """Have a page of the open PDF `handle` drawn, see ingest.page_drawing; `wanted`: `page` and `words`."""
        return self._request({"draw": wanted}, handle)

    def _request(self, request: dict[str, Any], handle: int) -> dict[str, Any]:
        seconds = self._limits.seconds
        try:
            send_request(self._channel, request, handle)
            return receive_reply(self._channel, seconds, _REPLY_FACTOR * self._limits.max_bytes + (1 << 20))
        except TimeoutError as error:
            self.stop()
            raise ParserDied(f"took longer than {seconds:g} s to parse (ingest.parse_seconds)") from error
        except (ChannelClosed, OSError) as error:
            raise ParserDied(self._explain(self.stop())) from error
        except ValueError as error:
            self.stop()
            raise ParserDied(f"what was parsed cannot be taken over ({error}): split the file") from error

    def stop(self) -> int:
        """End the process and whatever it started. Returns the exit status if it had ended by itself, else -SIGKILL."""
        with self._stopping:
            if self._process.returncode is None:
                self._let_end()
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            status = self._process.wait()
        self._channel.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._log.unlink(missing_ok=True)
        return status

    def _let_end(self) -> None:
        """Wait a moment for the exit status of a process that has closed its side.

        It is not reaped: it leads a group that is yet to be killed.
        """
        # Asked of the system, not of the socket object: its time-out belongs to the thread that waits for a reply.
        waiter = select.poll()
        waiter.register(self._channel, select.POLLHUP)
        closed = bool(waiter.poll(0))
        until = time.monotonic() + (0.5 if closed else 0)
        while time.monotonic() < until:
            if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return
            time.sleep(0.005)

    def _explain(self, status: int) -> str:
        match -status:
            case signal.SIGXCPU:
                return f"took longer than {self._limits.seconds:g} s to parse (ingest.parse_seconds)"
            case signal.SIGKILL:
                return "its parsing process was killed: too large for this machine's memory?"
            case signal.SIGSEGV | signal.SIGBUS | signal.SIGABRT | signal.SIGILL | signal.SIGFPE:
                name = signal.Signals(-status).name
                return f"crashed its parser ({name}): damaged, or too large (ingest.parse_memory_mib)"
        return f"ended its parsing process (exit {status}): damaged, or too large (ingest.parse_memory_mib)"
