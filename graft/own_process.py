"""A graft command in a process of its own that outlives this one, and what it says of itself in a folder.

    process.json     the command, and which process runs it
    progress.json    what it is at, written by the command itself while it runs (see Recorder)
    process.log      what it prints

A process that was killed says nothing more: then its number is no longer that of a process begun at that time.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, ValidationError

from core.errors import GraftError, RequestError
from core.files import read_json, write_json
from core.settings import Settings
from core.workspace import Workspace
from graft.own_command import start_command
from graft.pace import Pace

PROCESS, PROGRESS, LOG = "process.json", "progress.json", "process.log"
_CANCEL_SECONDS = 10.0
_WRITE_SECONDS = 0.5
State = Literal["running", "done", "failed", "stopped"]


class ProcessFile(BaseModel):
    """`process.json`: the arguments after `graft`, and the process that runs them."""

    arguments: list[str]
    pid: int
    born: float


class ProgressFile(BaseModel):
    """`progress.json`: what a command is at, or how it ended."""

    state: State = "running"
    stage: str = ""
    share: float = 0.0
    seconds_left: float | None = None
    detail: str = ""


def start(arguments: Sequence[str], folder: Path, settings: Settings, workspace: Workspace) -> None:
    """Run `graft ARGUMENTS` with these settings; its state goes to `folder`. Raises WorkspaceError."""
    write_json(folder / PROGRESS, ProgressFile(stage="starting").model_dump())
    pid = start_command(settings, workspace, folder / LOG, *arguments)
    written = ProcessFile(arguments=list(arguments), pid=pid, born=_born(pid) or time.time())
    write_json(folder / PROCESS, written.model_dump())


def progress_of(folder: Path) -> ProgressFile | None:
    """What the command of `folder` is at; None: there never was one. Whoever is gone without a word was stopped."""
    found = _read(folder / PROGRESS, ProgressFile)
    if found is None or found.state != "running" or is_running(folder):
        return found
    found = _read(folder / PROGRESS, ProgressFile) or found  # it may have ended between the two looks
    if found.state != "running":
        return found
    return found.model_copy(update={"state": "stopped", "detail": _last_words(folder), "seconds_left": None})


def is_running(folder: Path) -> bool:
    """Whether the process of `folder` lives."""
    known = _read(folder / PROCESS, ProcessFile)
    return known is not None and _is_alive(known)


def begun(folder: Path) -> tuple[list[str], float]:
    """The arguments of the command of `folder`, and when it was begun last (seconds since 1970, 0: not known)."""
    known = _read(folder / PROCESS, ProcessFile)
    return ([], 0.0) if known is None else (known.arguments, known.born)


def cancel(folder: Path) -> None:
    """Interrupt the process of `folder` as Ctrl-C would, and end it if it does not go. Raises RequestError."""
    known = _read(folder / PROCESS, ProcessFile)
    if known is None or not _is_alive(known):
        return
    for number, patience in ((signal.SIGINT, _CANCEL_SECONDS), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)):
        _signal(known.pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _is_alive(known):
                return
            time.sleep(0.05)
    raise RequestError(f"process {known.pid} of {folder.name} does not end: it may wait for a disk; try again later")


def go_on(folder: Path, settings: Settings, workspace: Workspace) -> None:
    """Run the command of `folder` again. Raises RequestError where there is none, or it still runs."""
    known = _read(folder / PROCESS, ProcessFile)
    if known is None:
        raise RequestError(f"how {folder.name} was started is not known: start it anew")
    if _is_alive(known):
        raise RequestError(f"{folder.name} is running already")
    start(known.arguments, folder, settings, workspace)


class Recorder:
    """Writes `progress.json` for the command that it is in. `pace` makes shares and times left of what is told.

    `said` is what the command says of a good end.
    """

    def __init__(self, folder: Path, pace: Pace) -> None:
        self._folder, self.pace, self._lock = folder, pace, threading.Lock()
        self._now = ProgressFile(stage="starting")
        self._written = 0.0
        self.said = ""

    def progress(self, tell: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
        """`tell`, and beside it the file."""

        def both(stage: str, done: int, total: int) -> None:
            tell(stage, done, total)
            share, left = self.pace.tell(stage, done, total)
            self._write(ProgressFile(stage=stage, share=share, seconds_left=left))

        return both

    def say(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """`say`, and beside it the file."""

        def both(text: str) -> None:
            say(text)
            self._write(self._now.model_copy(update={"stage": text}))

        return both

    def end(self, state: State, detail: str = "") -> None:
        """The last word."""
        share = 1.0 if state == "done" else self._now.share
        stage = "" if state == "done" else self._now.stage
        self._write(ProgressFile(state=state, stage=stage, share=share, detail=detail), last=True)

    def _write(self, progress: ProgressFile, *, last: bool = False) -> None:
        with self._lock:
            self._now = progress
            if last or time.monotonic() - self._written > _WRITE_SECONDS:
                self._written = time.monotonic()
                write_json(self._folder / PROGRESS, progress.model_dump())


@contextmanager
def recorded(folder: Path, arguments: Sequence[str], pace: Pace) -> Iterator[Recorder]:
    """Record a command, however it was started: `arguments` are those that make it go on; its end is the last word."""
    own = ProcessFile(arguments=list(arguments), pid=os.getpid(), born=_born(os.getpid()) or time.time())
    write_json(folder / PROCESS, own.model_dump())
    write_json(folder / PROGRESS, ProgressFile(stage="starting").model_dump())
    recorder = Recorder(folder, pace)
    try:
        yield recorder
    except GraftError as error:
        recorder.end("failed", str(error))
        raise
    except KeyboardInterrupt:
        recorder.end("stopped")
        raise
    except BaseException as error:
        recorder.end("failed", f"{type(error).__name__}: {error}")
        raise
    recorder.end("done", recorder.said)


def _read(path: Path, kind: type[Any]) -> Any:
    with suppress(GraftError, ValidationError):
        return kind.model_validate(read_json(path)) if path.is_file() else None
    return None


def _signal(pid: int, number: signal.Signals) -> None:
    """Signal a process with its group; alone where it leads none, as a command of a script or of make does not."""
    with suppress(ProcessLookupError):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            os.kill(pid, number)


def _is_alive(known: ProcessFile) -> bool:
    born = _born(known.pid)
    return born is not None and abs(born - known.born) < 1.0


def _born(pid: int) -> float | None:
    """When a process was begun; None: there is none, or it is dead and only not yet waited for."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _last_words(folder: Path) -> str:
    """The last line that a process printed before it was gone, where that is an error of Graft's."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last.removeprefix("graft: ") if last.startswith("graft: ") else ""
