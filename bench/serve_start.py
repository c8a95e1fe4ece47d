"""Starts what bench_serve.py measures: `graft serve` with its own vLLM or the fake one, on a workspace of its own.

Also makes adapters with random weights: what they say is of no use, what they cost is what a trained one costs.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

if TYPE_CHECKING:
    from serve.vllm_api import VllmApi

ROOT = Path(__file__).resolve().parents[1]
PACK = ROOT / "tests" / "packs" / "garden"


@dataclass
class Served:
    """A running `graft serve`: its process and folder, the gateway's URL, the base model's name, and where vLLM is."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str
    base: str
    direct: str | Path

    def is_ready(self) -> bool:
        """Whether /ready is green now."""
        return httpx.get(f"{self.url}/ready", timeout=10, trust_env=False).is_success

    def engines(self) -> list[psutil.Process]:
        """The processes of vLLM."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "vllm" in " ".join([child.name(), *child.cmdline()]).lower()]

    def running(self) -> float:
        """How many requests vLLM is working on."""
        with self.api().client() as client:
            text = client.get("/metrics").text
        return sum(float(li.split()[-1]) for li in text.splitlines() if li.startswith("vllm:num_requests_running{"))

    def api(self) -> "VllmApi":
        """The vLLM behind it."""
        from serve.vllm_api import ExternalVllm, VllmApi

        return (
            VllmApi("vLLM", "http://vllm", self.direct) if isinstance(self.direct, Path) else ExternalVllm(self.direct)
        )


@contextmanager
def graft_serve(models: Path, folder: Path, *arguments: str, **settings: str) -> Iterator[Served]:
    """`graft serve` on the test pack with the models of `models`; ends with the block."""
    from core.workspace import Workspace
    from graft.sockets import socket_path
    from tests.support.graft_process import free_port

    folder.mkdir(exist_ok=True)
    (folder / "models").symlink_to(models.absolute())
    port = free_port()
    command = [sys.executable, "-m", "graft.cli", "serve", "--domain", str(PACK), "--port", str(port), *arguments]
    environment = {**os.environ, "GRAFT_WORKSPACE": str(folder), **settings}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdout=log)
    direct = arguments[arguments.index("--vllm-url") + 1] if "--vllm-url" in arguments else None
    where = direct or socket_path(Workspace.open(folder), f"vllm-{process.pid}")
    served = Served(process, folder, f"http://127.0.0.1:{port}", "", where)
    try:
        wait_until(served.is_ready, process, folder / "serve.log")
        served.base = served.api().models()[0]
        yield served
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@contextmanager
def fake_vllm(tokens: int, delay: float) -> Iterator[str]:
    """The URL of a fake vLLM that says `tokens` words, `delay` seconds each."""
    from tests.support.graft_process import free_port

    url = f"http://127.0.0.1:{free_port()}"
    reply = " ".join(f"word{n}" for n in range(tokens))
    command = [sys.executable, "-m", "serve.fake_vllm", "--port", url.rpartition(":")[2]]
    process = subprocess.Popen([*command, "--delay", str(delay), "--reply", reply], cwd=ROOT)
    try:
        wait_until(lambda: httpx.get(f"{url}/health", trust_env=False).is_success, process)
        yield url
    finally:
        process.kill()
        process.wait()


def wait_until(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path | None = None) -> None:
    """Wait for `done`; ends the bench when the process does."""
    for _ in range(3000):
        if process.poll() is not None:
            sys.exit(f"a server ended with code {process.returncode}: {log.read_text()[-1000:] if log else ''}")
        try:
            if done():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit("a server did not come up")


def publish(served: Served, *seeds: int) -> list[str]:
    """Publish adapters with random weights in the workspace; returns their names."""
    from core.errors import AdapterError
    from core.files import read_json
    from finetune.adapters import AdapterManifest, AdapterStore
    from graft.build import prompt_fingerprint
    from tests.support.random_adapter import write_adapter

    model = served.folder / "models" / served.base
    store = AdapterStore("garden", served.folder / "adapters" / "garden")
    names = []
    for seed in seeds:
        folder = write_adapter(model, served.folder / f"made-{seed}", seed=seed, spread=0.5)
        made = AdapterManifest(name="", domain="", base_name=served.base, prompt_hash=prompt_fingerprint(model))
        names.append(store.add(folder, read_json(folder / "adapter_config.json", AdapterError), made).name)
    return names
