"""The fake vLLM (serve.fake_vllm) as a process of its own, for tests."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from serve.vllm_api import ExternalVllm
from tests.support.graft_process import REPOSITORY, free_port


@contextmanager
def fake_vllm(*arguments: str, port: int | None = None) -> Iterator[tuple[ExternalVllm, subprocess.Popen[bytes]]]:
    """A running fake on a free port: how to reach it, and its process."""
    port = port or free_port()
    command = [sys.executable, "-m", "serve.fake_vllm", "--port", str(port), *arguments]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    api = ExternalVllm(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 30
        while not api.is_healthy():
            assert process.poll() is None, "the fake vLLM has ended"
            assert time.monotonic() < deadline, "the fake vLLM did not start"
            time.sleep(0.05)
        yield api, process
    finally:
        process.kill()
        process.wait()
