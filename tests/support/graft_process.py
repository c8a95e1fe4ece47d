"""A real `graft up` for tests: the command as a user types it, in its own process, on a free port."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600


class GraftProcess:
    """`graft up` on a copy of a pack. `base_url` once started; `stop` is Ctrl-C and returns the exit code."""

    def __init__(self, workspace: Path, pack: Path, settings: dict[str, str], *arguments: str) -> None:
        self.workspace, self.pack = workspace, pack
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.log = workspace.parent / f"up-{self.port}.log"
        self._settings, self._arguments = settings, arguments
        self.process: subprocess.Popen[bytes] | None = None

    def share_models(self, workspace: Path) -> None:
        """Make the workspace, with the models that another one has prepared."""
        self.workspace.mkdir()
        (self.workspace / "models").symlink_to(workspace / "models")

    def start(self) -> None:
        """Start the command; its output goes to `log`."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*graft_command("up", "--domain", str(self.pack)), "--port", str(self.port), *self._arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=REPOSITORY,
                start_new_session=True,
                env={**os.environ, "GRAFT_WORKSPACE": str(self.workspace), **self._settings},
            )

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for `done`; fails with the log's end when the process dies or patience runs out."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, f"graft up ended while waiting for {what}:\n{self.tail()}"
            try:
                if done():
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise AssertionError(f"{what} did not come:\n{self.tail()}")

    def is_ready(self) -> bool:
        """Whether base model and corpus answer."""
        return httpx.get(f"{self.base_url}/ready").status_code == 200

    def active_adapter(self) -> str | None:
        """Name of the adapter that answers as the domain, once there is one: published is not active yet."""
        return httpx.get(f"{self.base_url}/ready").json().get("adapter")

    def adapter(self) -> str | None:
        """A published adapter's name, once there is one."""
        models = httpx.get(f"{self.base_url}/v1/models").json()["data"]
        return next((m["id"] for m in models if "@" in m["id"]), None)

    def children(self) -> list[psutil.Process]:
        """Every process that this one started, directly or not."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        """Interrupt as Ctrl-C does and wait."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def tail(self) -> str:
        """The end of the output, and of vLLM's log."""
        texts = [self.log.read_text(errors="replace")[-3000:]]
        vllm = self.workspace / "logs" / "vllm.log"
        if vllm.exists():
            texts.append(vllm.read_text(errors="replace")[-3000:])
        return "\n---\n".join(texts)


def graft_command(*arguments: str) -> list[str]:
    """The command line of the graft under test."""
    return [sys.executable, "-m", "graft.cli", *arguments]


def run_graft(workspace: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a workspace and return what it printed."""
    return subprocess.run(
        graft_command(*arguments),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_SECONDS,
        env={**os.environ, "GRAFT_WORKSPACE": str(workspace), **settings},
        check=False,
    )


def copy_pack(name: str, target: Path) -> Path:
    """A copy of a test pack that a test may change."""
    return Path(shutil.copytree(REPOSITORY / "tests" / "packs" / name, target / name))


def free_port() -> int:
    """A TCP port of the loopback interface that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def graft_leftovers(workspace: Path) -> list[str]:
    """Command lines of living processes that mention the workspace."""
    pattern = re.compile(re.escape(str(workspace)))
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if pattern.search(line) and process.pid != os.getpid():
            found.append(line)
    return found
