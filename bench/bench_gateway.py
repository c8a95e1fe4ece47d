"""What the gateway costs over calling vLLM directly with the same prompt: arm base, no retrieval.

Usage: python bench/bench_gateway.py [--real URL] [--workspace .graft] [--rounds 60] [--tokens 40] [--delay 0.005]

Starts `graft serve` on the test pack over the fake vLLM (so many tokens, so many seconds each), or over the vLLM that
runs at --real. Direct and through the gateway take turns, request by request at concurrency 1 (added latency) and batch
by batch at concurrency 8 (throughput). The model folders of --workspace are used; nothing else of it is touched.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
QUESTION = "When is the best time to prune a quince?"
CONCURRENCY = 8


def base_prompt() -> list[dict[str, str]]:
    """What the gateway sends for the arm base."""
    from core.pack import load_pack
    from core.prompt import PromptRequest, render

    root = ROOT / "tests" / "packs" / "garden"
    pack = load_pack(str(root), root.parent, root.parent)
    return render(PromptRequest(persona=pack.persona, refusal=pack.refusal, question=QUESTION))


class Route:
    """One way to the model."""

    def __init__(self, name: str, url: str, body: dict[str, object]) -> None:
        self.name, self.url, self.body = name, f"{url}/v1/chat/completions", body

    async def ask(self, client: httpx.AsyncClient, *, stream: bool) -> tuple[float, float]:
        """Seconds to the first text and to the end."""
        began, first = time.perf_counter(), None
        async with client.stream("POST", self.url, json={**self.body, "stream": stream}) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if first is None and '"content": "' in line and '"content": ""' not in line:
                    first = time.perf_counter() - began
        whole = time.perf_counter() - began
        return whole if first is None else first, whole


async def measure(routes: list[Route], rounds: int) -> dict[str, object]:
    """Added latency in milliseconds, and throughput through the gateway as a share of that without it."""
    direct, gateway = routes
    found: dict[str, object] = {}
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(timeout=300, limits=limits, trust_env=False) as client:
        for route in routes:
            for _ in range(3):
                await route.ask(client, stream=False)
        for stream in (False, True):
            pairs = [
                (await direct.ask(client, stream=stream), await gateway.ask(client, stream=stream))
                for _ in range(rounds)
            ]
            kinds = (("first token", 0), ("whole", 1)) if stream else (("whole", 1),)
            for kind, n in kinds:
                added = [1000 * (through[n] - plain[n]) for plain, through in pairs]
                p95 = [
                    1000 * quantiles(times, n=20)[18] for times in ([p[n] for p, _ in pairs], [g[n] for _, g in pairs])
                ]
                name = f"{'stream' if stream else 'one piece'}, {kind}"
                found[name] = {
                    "added ms, median": round(median(added), 2),
                    "added ms, p95 of pairs": round(quantiles(added, n=20)[18], 2),
                    "added ms, p95 less p95": round(p95[1] - p95[0], 2),
                }
        rates: dict[str, list[float]] = {route.name: [] for route in routes}
        for _ in range(max(3, rounds // 10)):
            for route in routes:
                began = time.perf_counter()
                await asyncio.gather(*[batch(route, client) for _ in range(CONCURRENCY)])
                rates[route.name].append(CONCURRENCY * 4 / (time.perf_counter() - began))
        plain, through = (median(rates[route.name]) for route in routes)
        found[f"requests per second x{CONCURRENCY}"] = {"direct": round(plain, 2), "gateway": round(through, 2)}
        found[f"throughput ratio x{CONCURRENCY}"] = round(through / plain, 3)
    return found


async def batch(route: Route, client: httpx.AsyncClient) -> None:
    """Four requests, one after the other."""
    for _ in range(4):
        await route.ask(client, stream=False)


def start(stack: ExitStack, command: list[str], ready: str, **environment: str) -> None:
    """Start a process that ends with the bench, and wait until the URL `ready` answers."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)

    def end() -> None:
        process.send_signal(signal.SIGINT)
        process.wait(30)

    stack.callback(end)
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{command[2]} ended with code {process.returncode}")
        try:
            if httpx.get(ready, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit(f"{ready} did not come up")


def main() -> None:
    """Measure, print JSON."""
    from tests.support.graft_process import free_port

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", help="a vLLM that runs already (http://host:port), instead of the fake")
    parser.add_argument("--workspace", type=Path, default=ROOT / ".graft")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--delay", type=float, default=0.005)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "models").symlink_to((chosen.workspace / "models").absolute())
        vllm = chosen.real or f"http://127.0.0.1:{free_port()}"
        if not chosen.real:
            reply = " ".join(f"word{n}" for n in range(chosen.tokens))
            port = vllm.rpartition(":")[2]
            fake = [
                sys.executable,
                "-m",
                "serve.fake_vllm",
                "--port",
                port,
                "--delay",
                str(chosen.delay),
                "--reply",
                reply,
            ]
            start(stack, fake, f"{vllm}/health")
        port = free_port()
        graft = [sys.executable, "-m", "graft.cli", "serve", "--domain", "tests/packs/garden", "--vllm-url", vllm]
        start(stack, [*graft, "--port", str(port)], f"http://127.0.0.1:{port}/ready", GRAFT_WORKSPACE=str(folder))
        model = httpx.get(f"{vllm}/v1/models").json()["data"][0]["id"]
        body = {"max_tokens": chosen.tokens, "temperature": 0}
        question = [{"role": "user", "content": QUESTION}]
        routes = [
            Route("direct", vllm, {"model": model, "messages": base_prompt(), **body}),
            Route("gateway", f"http://127.0.0.1:{port}", {"model": "garden:base", "messages": question, **body}),
        ]
        found = asyncio.run(measure(routes, chosen.rounds))
    against = chosen.real or f"the fake, {chosen.tokens} tokens of {1000 * chosen.delay:g} ms"
    print(json.dumps({"against": against, "rounds": chosen.rounds, **found}, indent=2))


if __name__ == "__main__":
    main()
