"""Runs one command, and leaves nothing of it behind. Started as `python -m serve.process_guard PARENT_PID COMMAND...`.

The guard leads the session that Graft started it in. When the command ends, or Graft is gone (even by kill -9), it
kills every process of the session's group, so that no engine process of vLLM outlives it. SIGTERM goes on to the
command, which may then end in its own way. Kept free of imports: it stays small beside the process it guards.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

CHECK_SECONDS = 0.5
PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> int:
    """Run `command` until it ends or process `parent` is no longer the parent; returns its exit code."""
    libc = ctypes.CDLL(None)

    def die_with_guard() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    # Private files only: vLLM creates its socket under this umask.
    child = subprocess.Popen(command, umask=0o077, preexec_fn=die_with_guard)  # noqa: PLW1509  one thread, no locks

    def forward(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for Graft, which then stops us
    while os.getppid() == parent:
        try:
            return child.wait(CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    return 1


def kill_group() -> None:
    """Kill every process of this session, this one too."""
    if os.getpgrp() == os.getpid():  # never a group that we do not lead
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    code = 1
    try:
        code = main(int(sys.argv[1]), sys.argv[2:])
    finally:
        with contextlib.suppress(OSError):  # nobody may be left to read it
            os.write(1, f"guard: vLLM ended with code {code}\n".encode())
        kill_group()
