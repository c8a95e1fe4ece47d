"""What serving costs and keeps: base, vLLM's own LoRA operators, Graft's, the gateway over them. Prints ratios.

Usage: python bench/bench_serve.py [--workspace .graft] [--only lora,stock,...] [--rounds 6] [--json FILE] [--fake]

    lora          prefill and decode of base and adapter (rank 16, all linear layers), concurrency 1 and 8
    stock         the same in a vLLM with its own operators (slow)
    plain         a vLLM that knows of no LoRA, and may so compile the model
    constrained   answers decoded under a JSON Schema against free ones
    gateway       added milliseconds and throughput over calling vLLM itself
    overload, disconnect, swap, outage    drills

All but stock and plain use one `graft serve` with its own vLLM, on a workspace of its own with the models of
--workspace. --fake: over the fake vLLM, which shows what the gateway costs alone. The client is bench/thin_client.py.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import serve_gateway  # noqa: E402
import serve_rates  # noqa: E402
import serve_start  # noqa: E402
import serve_swap  # noqa: E402

PARTS = ("lora", "stock", "plain", "constrained", "gateway", "overload", "disconnect", "swap", "outage")


def stock(models: Path, folder: Path, rounds: int, *, lora: bool, cpu_time: bool) -> serve_rates.Rates:
    """Rates of a vLLM without Graft's plugin; `lora` False: started as for a base model alone."""
    from serve import vllm_command, vllm_process
    from tests.support.random_adapter import write_adapter

    model = next(path.parent for path in models.glob("*/config.json"))
    known, command = vllm_command.PLUGIN, vllm_process.server_command
    vllm_command.PLUGIN = "none"
    if not lora:
        vllm_process.server_command = lambda *asked: [part for part in command(*asked) if part != "--enable-lora"]
    name = "stock LoRA" if lora else "base alone"
    socket = folder / "s" / ("stock.sock" if lora else "plain.sock")
    process = vllm_process.VllmProcess(
        model,
        socket=socket,
        log_file=folder / "stock.log",
        served_name="base",
        restart=False,
        threads=1 if cpu_time else None,
    )
    try:
        process.start(lambda text: print(text, file=sys.stderr))
        names = ["base"]
        if lora:
            process.load_adapter(name, write_adapter(model, folder / "stock-adapter", seed=0))
            names.append(name)
        clock = serve_rates.cpu_clock(process.pid or 0) if cpu_time else time.perf_counter
        return asyncio.run(serve_rates.measure_lora(socket, names, rounds, clock))
    finally:
        process.stop()
        vllm_command.PLUGIN, vllm_process.server_command = known, command


def with_graft(
    served: serve_start.Served, parts: list[str], rounds: int, tokens: int, *, cpu_time: bool
) -> dict[str, Any]:
    """The parts that one `graft serve` answers, as they are named on the command line."""
    found: dict[str, Any] = {}
    guard = next((child.pid for child in psutil.Process(served.process.pid).children() if is_guard(child)), None)
    clock = serve_rates.cpu_clock(guard) if cpu_time and guard else time.perf_counter
    for part in parts:
        began = time.perf_counter()
        match part:
            case "lora":
                (adapter,) = serve_start.publish(served, 0)
                served.api().load_adapter(adapter, served.folder / "made-0")
                rates = asyncio.run(serve_rates.measure_lora(served.direct, [served.base, adapter], rounds, clock))
                found[part] = {"base": rates[served.base], "Graft's LoRA": rates[adapter]}
                report(part, serve_rates.table(found[part], "base"))
            case "constrained":
                found[part] = asyncio.run(serve_rates.measure_constrained(served.direct, served.base, rounds, clock))
                report(part, serve_rates.table(found[part], "free"))
            case "gateway":
                found[part] = asyncio.run(serve_gateway.overhead(served, 5 * rounds, tokens))
                report(part, lines(found[part]))
            case "overload":
                found[part] = asyncio.run(serve_gateway.overload(served))
                report(part, lines(found[part]))
            case "disconnect":
                found[part] = asyncio.run(serve_gateway.disconnect(served))
                report(part, lines(found[part]))
            case "swap":
                found[part] = asyncio.run(serve_swap.swap(served))
                report(part, lines(found[part]))
            case "outage":
                found[part] = serve_gateway.outage(served)
                report(part, lines(found[part]))
        print(f"({part}: {time.perf_counter() - began:.0f} s)", file=sys.stderr)
    return found


def is_guard(process: psutil.Process) -> bool:
    """Whether this is the parent of vLLM's processes."""
    return "serve.process_guard" in process.cmdline()


def lines(figures: dict[str, Any]) -> list[str]:
    """Figures for people."""
    return [f"{name}: {value}" for name, value in figures.items()]


def report(part: str, text: list[str]) -> None:
    """Print one part at once, so that a bench that is stopped has said something."""
    print(f"# {part}", *text, sep="\n", flush=True)


def main() -> None:
    """Measure what is asked for, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=ROOT / ".graft")
    parser.add_argument("--only", default=",".join(part for part in PARTS if part != "plain"))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=40, help="longest answer of the part gateway")
    parser.add_argument("--delay", type=float, default=0.005, help="seconds per token of the fake")
    parser.add_argument("--fake", action="store_true", help="over the fake vLLM: gateway, overload, disconnect")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="lora, stock, plain, constrained: by CPU time of one thread, not by clock",
    )
    parser.add_argument("--json", type=Path, help="write all measurements to this file")
    chosen = parser.parse_args()
    parts = chosen.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown parts {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    if chosen.fake:
        parts = [part for part in parts if part in ("gateway", "overload", "disconnect")]
    models = chosen.workspace / "models"
    if not any(models.glob("*/config.json")):
        parser.error(f"{models} holds no model: run graft models prepare, or name another --workspace")
    print(f"load before the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        own = [part for part in parts if part not in ("stock", "plain")]
        if own:
            arguments: list[str] = []
            settings = {"GRAFT_SERVE__THREADS": "1"} if chosen.cpu_time else {}
            if chosen.fake:
                arguments = ["--vllm-url", stack.enter_context(serve_start.fake_vllm(chosen.tokens, chosen.delay))]
            served = stack.enter_context(serve_start.graft_serve(models, folder / "w", *arguments, **settings))
            results |= with_graft(served, own, chosen.rounds, chosen.tokens, cpu_time=chosen.cpu_time)
        stack.close()
        for part in ("stock", "plain"):
            if part in parts:
                turns = chosen.rounds if part == "plain" else min(2, chosen.rounds)
                results[part] = stock(models, folder, turns, lora=part == "stock", cpu_time=chosen.cpu_time)
                report(part, serve_rates.table(results[part], "base"))
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
