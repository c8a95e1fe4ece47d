"""One vLLM server of Graft's own: started, watched, restarted when it dies, and stopped without leaving a process.

It listens on a Unix socket that only this user can open, never on a port. Knows nothing of prompts and answers.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from core.errors import ServeError
from serve.vllm_api import ExternalVllm, VllmApi
from serve.vllm_command import VllmOptions, server_command, server_environment
from serve.vllm_failure import find_cause
from serve.vllm_metadata import is_cpu_build, vllm_version, write_metadata

__all__ = ["ExternalVllm", "VllmProcess"]

LONGEST_SOCKET_PATH = 107  # sun_path, less the closing zero
START_SECONDS = 900.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.2
LOG_BYTES = 5 << 20
LOG_BACKUPS = 3
MOST_RESTARTS = 5  # in a row; a server that has lived for STEADY_SECONDS starts a new row
STEADY_SECONDS = 300.0

_STAGES: tuple[tuple[str, str], ...] = (  # newest first
    ("Application startup complete", "warming up"),
    ("Starting vLLM server", "opening the socket"),
    ("KV cache size|for KV cache", "reserving memory"),
    ("Loading weights took", "preparing the weights"),
    ("Starting to load model|Loading safetensors", "loading weights"),
    ("Initializing a V1 LLM engine", "starting the engine"),
    ("Resolved architecture", "reading the model's configuration"),
)

OnState = Callable[[str, str], None]
"""Called with ("starting" | "ready" | "restarting" | "failed", detail), from any thread."""


class VllmProcess(VllmApi):
    """A vLLM server on a Unix socket. `start`, then use it; `stop` last, or use it as a context manager.

    Args:
        model_dir: Hugging Face folder of the base model (or an id that vLLM may download).
        socket: where it listens; its folder becomes accessible to this user only.
        log_file: appended to, rotated by size at each start.
        served_name: the base model's name in requests.
        on_state: told about each change of state.
        restart: start it again, with the same adapters, when it dies.
        The rest: see `VllmOptions`.
    """

    def __init__(
        self,
        model_dir: Path,
        *,
        socket: Path,
        log_file: Path,
        served_name: str,
        max_model_len: int = 2048,
        dtype: str = "auto",
        kv_cache_gib: float = 1.0,
        threads: int | None = None,
        lora: bool = True,
        max_loras: int = 2,
        max_lora_rank: int = 64,
        max_num_seqs: int = 16,
        gpu_memory_utilization: float = 0.8,
        tensor_parallel: int = 1,
        replicas: int = 1,
        extra_args: list[str] | None = None,
        restart: bool = True,
        on_state: OnState | None = None,
    ) -> None:
        self._path = socket.absolute()
        super().__init__("vLLM", "http://vllm", self._path)
        self.log_file = log_file
        self._options = VllmOptions(
            model_dir=model_dir,
            served_name=served_name,
            cpu=is_cpu_build(),
            max_model_len=max_model_len,
            dtype=dtype,
            kv_cache_gib=kv_cache_gib,
            threads=threads,
            lora=lora,
            max_loras=max_loras,
            max_lora_rank=max_lora_rank,
            max_num_seqs=max_num_seqs,
            gpu_memory_utilization=gpu_memory_utilization,
            tensor_parallel=tensor_parallel,
            replicas=replicas,
            extra_args=tuple(extra_args or ()),
        )
        self._restart = restart
        self._on_state: OnState = (lambda state, detail: None) if on_state is None else on_state
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    # --- life ---

    def start(self, on_progress: Callable[[str], None] = lambda text: None) -> None:
        """Start the server and wait until it answers; raises ServeError with the cause in one line.

        Args:
            on_progress: told what happens, whenever that changes and every few seconds, with the seconds so far.
        """
        if self.alive:
            return
        self._check()
        self._stopping.clear()
        self._on_state("starting", "")
        try:
            self._launch(on_progress)
        except BaseException as error:
            self._kill()
            self._on_state("failed", str(error))
            raise
        self._on_state("ready", "")
        self._watcher = threading.Thread(target=self._watch, name="vllm-watcher", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stop the server and every process of it; harmless when there is none."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        self._kill()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join(STOP_SECONDS)
            self._kill()  # the watcher may have been in the middle of a restart
        self._watcher = None
        self._loaded.clear()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the process to end; its exit code, or None when it still runs after `timeout` seconds."""
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    @property
    def alive(self) -> bool:
        """Whether the process runs (it may still be starting)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Leader of the server's process group."""
        return self._process.pid if self._process is not None and self.alive else None

    def __enter__(self) -> VllmProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- inside ---

    def _check(self) -> None:
        if vllm_version() is None:
            raise ServeError("vLLM is not installed: run `make setup`, or set serve.vllm_url to a vLLM elsewhere")
        model = self._options.model_dir
        if model.is_absolute() and not (model / "config.json").is_file():
            raise ServeError(f"{model} is not a model folder (no config.json): run `graft models prepare`")
        if len(os.fsencode(self._path)) > LONGEST_SOCKET_PATH:
            raise ServeError(
                f"socket path {self._path} is longer than the {LONGEST_SOCKET_PATH} bytes that the system allows: "
                "use a workspace with a shorter path"
            )
        if self.is_healthy():
            raise ServeError(f"a vLLM already listens on {self._path}: stop the other Graft, or use another workspace")

    def _launch(self, on_progress: Callable[[str], None]) -> None:
        folder = self._path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            self._path.unlink(missing_ok=True)
            python_path = write_metadata(folder / "python")
            log = self._open_log()
        except OSError as error:
            raise ServeError(f"cannot prepare vLLM: {error.filename}: {error.strerror}") from error
        with log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "serve.process_guard", str(os.getpid())),
                    *server_command(self._options, self._path),
                ],
                env=server_environment(self._options, [*python_path, Path(__file__).resolve().parents[1]]),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready(on_progress)

    def _wait_until_ready(self, on_progress: Callable[[str], None]) -> None:
        began = time.monotonic()
        said, said_at, private = "", -1.0, False
        while not self._stopping.is_set():
            seconds = time.monotonic() - began
            if not self.alive:
                raise ServeError(f"vLLM did not start: {self._cause()} (log: {self.log_file})")
            if seconds > START_SECONDS:
                raise ServeError(f"vLLM did not start within {START_SECONDS:.0f} s (log: {self.log_file})")
            stage = self._stage()
            if stage != said or seconds - said_at >= 5:
                said, said_at = stage, seconds
                on_progress(f"Starting vLLM: {stage} ({seconds:.0f} s)")
            if not private and self._is_socket():
                self._path.chmod(0o600)  # before anything listens on it
                private = True
            if private and self.is_healthy():
                self._warm_up()
                return
            time.sleep(POLL_SECONDS)
        raise ServeError("vLLM was stopped while it started")

    def _warm_up(self) -> None:
        # The first request of a kind builds kernels for its shapes; better now than in front of a user.
        body = {"model": self._options.served_name, "prompt": "Hello. " * 40, "max_tokens": 2, "temperature": 0}
        try:
            with self.client(120.0) as client:
                client.post("/v1/completions", json=body).raise_for_status()
        except Exception as error:
            raise ServeError(f"vLLM started but does not generate: {self._cause()} (log: {self.log_file})") from error

    def _watch(self) -> None:
        failures = 0
        ready_at: float | None = time.monotonic()  # None: it has not been ready since it last died
        while not self._stopping.is_set():
            if self.wait(1.0) is None and self.alive:
                continue
            if self._stopping.is_set():
                return
            cause = self._cause()
            self._kill()
            was_steady = ready_at is not None and time.monotonic() - ready_at > STEADY_SECONDS
            failures, ready_at = (1 if was_steady else failures + 1), None
            if not self._restart or failures > MOST_RESTARTS:
                self._on_state("failed", f"vLLM has stopped: {cause} (log: {self.log_file})")
                return
            self._on_state("restarting", f"vLLM has stopped: {cause}")
            if self._stopping.wait(min(60.0, 2.0 ** (failures - 1))):
                return
            try:
                self._launch(lambda text: self._on_state("restarting", text))
                self.load_again()
            except ServeError:
                self._kill()  # the next round counts and reports it
                continue
            except Exception as error:  # noqa: BLE001  a watcher that dies would leave the server unwatched
                self._on_state("failed", f"vLLM cannot be restarted: {error}")
                return
            ready_at = time.monotonic()
            self._on_state("ready", "")

    def _kill(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._path.unlink(missing_ok=True)

    def _is_socket(self) -> bool:
        try:
            return stat.S_ISSOCK(self._path.stat().st_mode)
        except FileNotFoundError:
            return False

    # --- log ---

    def _open_log(self) -> BinaryIO:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            for n in range(LOG_BACKUPS - 1, 0, -1):
                older = self.log_file.with_name(f"{self.log_file.name}.{n}")
                if older.exists():
                    older.replace(self.log_file.with_name(f"{self.log_file.name}.{n + 1}"))
            self.log_file.replace(self.log_file.with_name(f"{self.log_file.name}.1"))
        log = self.log_file.open("ab")
        self._log_start = log.tell()
        return log

    def _log_text(self) -> str:
        try:
            with self.log_file.open("rb") as log:
                log.seek(self._log_start)
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _stage(self) -> str:
        text = self._log_text()
        return next((stage for pattern, stage in _STAGES if re.search(pattern, text)), "loading libraries")

    def _cause(self) -> str:
        text = self._log_text()
        code = re.findall(r"^guard: vLLM ended with code (-?\d+)$", text, re.MULTILINE)
        return find_cause(text, int(code[-1]) if code else None)
