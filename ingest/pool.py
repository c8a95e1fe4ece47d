"""A pool of parsing processes: files in, parsed documents or reasons out, in order.

A file that hangs or kills its process is rejected by name and the process replaced. Knows nothing of formats.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.blocks import ParsedDocument
from ingest.files import FoundFile
from ingest.offline import QUIET

TIMEOUT_SECONDS = 120.0
# The first file of a process also pays for its imports.
_START_SECONDS = 120.0
# Documents parsed ahead of the one being embedded: keeps memory flat as the corpus grows.
_AHEAD_PER_WORKER = 16


@dataclass(frozen=True)
class Parsed:
    """What became of a file: a document, or the reason for its rejection. `sha256` is empty when it was not read."""

    file: FoundFile
    sha256: str
    document: ParsedDocument | None
    reason: str = ""


class ParserPool:
    """`workers` processes, started when first needed. To be used in a `with` block."""

    def __init__(self, workers: int, max_bytes: int, timeout: float = TIMEOUT_SECONDS) -> None:
        self._workers, self._max_bytes, self._timeout = workers, max_bytes, timeout

    def __enter__(self) -> "ParserPool":
        self._scratch = tempfile.TemporaryDirectory(prefix="graft-parse-")
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="parse")
        self._local = threading.local()
        self._processes: list[_Process] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.stop()
        self._threads.shutdown(wait=True)
        self._scratch.cleanup()

    def parse(self, files: Sequence[FoundFile]) -> Iterator[Parsed]:
        """Parse `files`, yielding results in their order."""
        pending: deque[Future[Parsed]] = deque()
        rest = iter(files)
        for file in rest:
            pending.append(self._threads.submit(self._one, file))
            if len(pending) >= _AHEAD_PER_WORKER * self._workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _one(self, file: FoundFile) -> Parsed:
        process: _Process | None = getattr(self._local, "process", None)
        started = process is None
        if process is None:
            process = _Process(self._scratch.name)
            self._local.process = process
            self._processes.append(process)
        request = {"path": os.fspath(file.path), "source": file.source, "max_bytes": self._max_bytes}
        timeout = self._timeout + (_START_SECONDS if started else 0)
        reply = process.ask(request, timeout)
        if reply is None:
            reason = process.stop()
            self._local.process = None
            return Parsed(file, "", None, reason or f"took longer than {self._timeout:.0f} s to parse")
        document = ParsedDocument.from_json(reply["document"]) if "document" in reply else None
        return Parsed(file, reply.get("sha256", ""), document, reply.get("error", ""))


class _Process:
    """One parsing process and the pipe to it."""

    def __init__(self, scratch: str) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
        environment = {**os.environ, **QUIET, "PYTHONPATH": path, "TMPDIR": scratch, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=scratch,
            start_new_session=True,
        )
        self._replies: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._replies.put(line)
        self._replies.put(b"")

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any] | None:
        """Send a request and wait for the reply; None when the process died or took too long."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            line = self._replies.get(timeout=timeout)
        except (OSError, queue.Empty):
            return None
        return json.loads(line) if line else None

    def stop(self) -> str:
        """End the process and whatever it started. Returns a reason when it had died by itself."""
        died = self._process.poll()
        if died is None and self._replies.empty():
            try:
                died = self._process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                died = None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return "" if died is None else f"ended its parsing process (exit {died}): damaged, or too large to parse"
