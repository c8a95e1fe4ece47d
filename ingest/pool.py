"""A pool of parsing processes: files in, parsed documents or reasons out, in order.

A file that hangs or kills its process is rejected by name and the process replaced. Knows nothing of formats.
"""

import os
import shutil
import stat
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ingest.blocks import ParsedDocument
from ingest.files import FoundFile
from ingest.process import Limits, ParserDied, ParsingProcess

# Documents parsed ahead of the one being embedded: keeps memory flat as the corpus grows.
_AHEAD_PER_WORKER = 16
_AHEAD_BYTES = 32 << 20


@dataclass(frozen=True)
class Parsed:
    """What became of a file: a document, or the reason for its rejection.

    `sha256` is empty when the file was not read, or ended its process: then another attempt may do better.
    """

    file: FoundFile
    sha256: str
    document: ParsedDocument | None
    reason: str = ""


@dataclass
class ParserPool:
    """`workers` processes, started when first needed. To be used in a `with` block.

    Parsers write to `scratch` (made anew, removed at the end) and nowhere else; None: a temporary folder.
    """

    workers: int
    limits: Limits
    scratch: Path | None = None
    _processes: list[ParsingProcess] = field(default_factory=list, init=False)
    _local: threading.local = field(default_factory=threading.local, init=False)
    _closed: bool = field(default=False, init=False)

    def __enter__(self) -> "ParserPool":
        if self.scratch is None:
            self._folder = Path(tempfile.mkdtemp(prefix="graft-parse-"))
        else:
            # What a killed run left is nobody's any more: there is one writer at a time.
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir(parents=True)
            self._folder = self.scratch
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="parse")
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes):
            process.stop()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def parse(self, files: Sequence[FoundFile]) -> Iterator[Parsed]:
        """Parse `files`, yielding results in their order. Raises IngestError when no parsing process can be started."""
        pending: deque[tuple[int, Future[Parsed]]] = deque()
        waiting = 0
        for file in files:
            pending.append((file.size, self._threads.submit(self._one, file)))
            waiting += file.size
            # Enough for all workers to go on, however large the files are.
            while len(pending) > self.workers and (
                len(pending) >= _AHEAD_PER_WORKER * self.workers or waiting > _AHEAD_BYTES
            ):
                size, first = pending.popleft()
                waiting -= size
                yield first.result()
        while pending:
            yield pending.popleft()[1].result()

    def _one(self, file: FoundFile) -> Parsed:
        try:
            handle = _open(file.path)
        except (OSError, ValueError) as error:
            return Parsed(file, "", None, f"cannot be read: {getattr(error, 'strerror', None) or error}")
        process: ParsingProcess | None = getattr(self._local, "process", None)
        try:
            if self._closed:
                return Parsed(file, "", None, "was not parsed: ingestion ended")
            if process is None:
                process = self._local.process = ParsingProcess(self._folder, self.limits)
                self._processes.append(process)
            reply = process.ask(file.source, handle)
        except ParserDied as error:
            self._local.process = None
            return Parsed(file, "", None, str(error))
        finally:
            os.close(handle)
        document = ParsedDocument.from_json(reply["document"]) if "document" in reply else None
        return Parsed(file, reply.get("sha256", ""), document, reply.get("error", ""))


def _open(path: Path) -> int:
    """Open a regular file. It may have been swapped since it was found: never wait on a FIFO, never follow a link."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("is no longer a regular file")
    return handle
