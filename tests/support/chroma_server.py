"""A real Chroma server (`chroma run`) on a loopback port, that can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


class ChromaServer:
    """To be used in a `with` block. `url` stays the same over restarts, and so does what it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ChromaServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            str(Path(sys.executable).with_name("chroma")), "run", "--path", str(self._folder),
            "--host", "127.0.0.1", "--port", str(self._port),
        ]  # fmt: skip
        environment = {**os.environ, "ANONYMIZED_TELEMETRY": "False"}
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/api/v2/heartbeat", timeout=1).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the Chroma server does not start")

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def collections(self) -> list[str]:
        """Names of what it holds."""
        from ingest.chroma import open_chroma

        client = open_chroma(self._folder, self.url)
        try:
            return sorted(collection.name for collection in client.list_collections())
        finally:
            client.close()
