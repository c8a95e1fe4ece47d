"""What the gateway costs over vLLM itself, and what it does when too much is asked, a client leaves or vLLM hangs."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from serve_start import PACK, Served
from thin_client import Line

QUESTION = "When is the best time to prune a quince?"
CONCURRENCY = 8
PATH = "/v1/chat/completions"
GRAFT_LIMITS = 16 + 32  # serve.max_num_seqs and max_waiting, by default
BEYOND = 64
Figures = dict[str, Any]


def base_prompt() -> list[dict[str, str]]:
    """What the gateway sends for the arm base."""
    from core.pack import load_pack
    from core.prompt import PromptRequest, render

    pack = load_pack(str(PACK), PACK.parent, PACK.parent)
    return render(PromptRequest(persona=pack.persona, refusal=pack.refusal, question=QUESTION))


class Route:
    """One way to the model: where to, and the body that asks the same question."""

    def __init__(self, where: str | Path, body: dict[str, Any]) -> None:
        self.lines = [Line(where) for _ in range(CONCURRENCY)]
        self.body = body

    async def batch(self, each: int, *, stream: bool) -> float:
        """Requests per second of CONCURRENCY clients with `each` requests, one after the other."""

        async def client(line: Line) -> None:
            for _ in range(each):
                reply = await line.post(PATH, {**self.body, "stream": stream})
                assert reply.status == 200, reply.body

        began = time.perf_counter()
        await asyncio.gather(*[client(line) for line in self.lines])
        return each * CONCURRENCY / (time.perf_counter() - began)


async def overhead(served: Served, rounds: int, tokens: int) -> Figures:
    """Added milliseconds at concurrency 1, request by request in turns; throughput ratios at 8, batch by batch."""
    common = {"max_tokens": tokens, "temperature": 0}
    direct = Route(served.direct, {"model": served.base, "messages": base_prompt(), **common})
    question = [{"role": "user", "content": QUESTION}]
    gateway = Route(served.url, {"model": "garden:base", "messages": question, **common})
    found: Figures = {}
    for stream in (False, True):
        kind = "stream" if stream else "one piece"
        for route in (direct, gateway):
            await route.batch(1, stream=stream)
        pairs = [
            [await route.lines[0].post(PATH, {**route.body, "stream": stream}) for route in (direct, gateway)]
            for _ in range(rounds)
        ]
        for what in ("first", "seconds") if stream else ("seconds",):
            times = [[1000 * getattr(reply, what) for reply in pair] for pair in pairs]
            added = [through - plain for plain, through in times]
            p95 = [quantiles([pair[n] for pair in times], n=20)[18] for n in (0, 1)]
            name = "to the first text" if what == "first" else "whole"
            found[f"added ms, {kind}, {name}"] = {
                "median": round(median(added), 2),
                "p95 of pairs": round(quantiles(added, n=20)[18], 2),
                "p95 less p95": round(p95[1] - p95[0], 2),
            }
        turns = [
            (await direct.batch(2, stream=stream), await gateway.batch(2, stream=stream))
            for _ in range(max(5, rounds // 5))
        ]
        found[f"throughput x{CONCURRENCY}, {kind}"] = {
            "direct, requests/s": round(median(plain for plain, _ in turns), 2),
            "gateway, requests/s": round(median(through for _, through in turns), 2),
            "ratio": round(median(through / plain for plain, through in turns), 3),
            "ratio of the best": round(max(g for _, g in turns) / max(d for d, _ in turns), 3),
        }
    return found


async def overload(served: Served) -> Figures:
    """More requests at once than places and queue hold: how long until the others are told."""
    body = {"model": "garden:base", "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 32}
    lines = [Line(served.url) for _ in range(GRAFT_LIMITS + BEYOND)]
    # What a first request and a new connection cost is not the question here.
    await asyncio.gather(*[line.post(PATH, body | {"max_tokens": 1}) for line in lines])
    accepted = [asyncio.create_task(line.post(PATH, body)) for line in lines[:GRAFT_LIMITS]]
    await asyncio.sleep(0.1)  # the fake is done with the first ones soon after
    replies = await asyncio.gather(*[line.post(PATH, body) for line in lines[GRAFT_LIMITS:]])
    refused = [1000 * reply.seconds for reply in replies if reply.status == 503]
    replies += await asyncio.gather(*accepted)
    for line in lines:
        line.close()
    return {
        "asked while the queue was full": BEYOND,
        "answered": sum(reply.status == 200 for reply in replies),
        "refused": len(refused),
        "anything else": sum(reply.status not in (200, 503) for reply in replies),
        "ms to 503, median": round(median(refused), 1) if refused else None,
        "ms to 503, p95": round(quantiles(refused, n=20)[18], 1) if len(refused) > 1 else None,
    }


async def disconnect(served: Served, times: int = 5) -> Figures:
    """Seconds until vLLM has dropped the request of a client that left."""
    found: Figures = {}
    body = {"model": "garden:base", "messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 1000}
    for stream in (False, True):
        seconds = []
        for _ in range(times):
            line = Line(served.url)
            asking = asyncio.create_task(line.post(PATH, {**body, "stream": stream}))
            await asyncio.to_thread(_seconds_until, lambda: served.running() == 1)
            line.close()
            seconds.append(await asyncio.to_thread(_seconds_until, lambda: served.running() == 0))
            await asyncio.gather(asking, return_exceptions=True)
        found[f"seconds to the abort, {'stream' if stream else 'one piece'}, longest"] = round(max(seconds), 2)
    return found


def outage(served: Served) -> Figures:
    """Seconds from vLLM's hanging, and from its death, to a red /ready; and until it is green again."""
    found: Figures = {}
    for number, what in ((signal.SIGSTOP, "hangs"), (signal.SIGKILL, "is killed")):
        for process in served.engines():
            process.send_signal(number)
        found[f"seconds to red when vLLM {what}"] = round(_seconds_until(lambda: not served.is_ready()), 2)
        if number == signal.SIGSTOP:
            for process in served.engines():
                process.send_signal(signal.SIGCONT)
        found[f"seconds to green after vLLM {what}"] = round(_seconds_until(served.is_ready), 2)
    return found


def _seconds_until(done: Callable[[], bool]) -> float:
    began = time.perf_counter()
    while not done():
        if time.perf_counter() - began > 300:
            raise SystemExit("it did not happen within 300 s")
        time.sleep(0.02)
    return time.perf_counter() - began
