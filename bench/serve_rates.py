"""Prefill and decode rates of models of one vLLM, in turns: the base, an adapter, and answers decoded under a schema.

Prompts are random tokens, so no prefix is ever found in the cache. Models take turns within each round, so that what
else the machine does hits all alike.
"""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from thin_client import Line

PREFILL_TOKENS, DECODE_TOKENS = 1000, 64
CONCURRENCIES = (1, 8)
Rates = dict[str, dict[str, list[float]]]
"""Model, what is measured, tokens per second in each round."""

# Never finished within DECODE_TOKENS, so that every answer has as many tokens as one without a schema.
SCHEMA = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": {"type": "string"}, "minItems": 60}},
    "required": ["steps"],
    "additionalProperties": False,
}


async def measure_lora(
    where: str | Path, models: list[str], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> Rates:
    """Prefill of one prompt and decode at each concurrency (the time to the first token taken off).

    `clock` gives seconds; see `cpu_clock`.
    """
    lines = [Line(where) for _ in range(max(CONCURRENCIES))]
    found: Rates = {model: {} for model in models}
    for turn in range(rounds + 1):
        for model in models:
            rates = {}
            began = clock()
            await _complete(lines[0], model, PREFILL_TOKENS, 1)
            rates["prefill"] = PREFILL_TOKENS / (clock() - began)
            for n in CONCURRENCIES:
                seconds = {}
                for answer in (1, 1 + DECODE_TOKENS):
                    began = clock()
                    await asyncio.gather(*[_complete(line, model, 16, answer) for line in lines[:n]])
                    seconds[answer] = clock() - began
                rates[f"decode x{n}"] = n * DECODE_TOKENS / (seconds[1 + DECODE_TOKENS] - seconds[1])
            if turn:  # the first round only warms up
                for key, rate in rates.items():
                    found[model].setdefault(key, []).append(rate)
    return found


async def measure_constrained(
    where: str | Path, model: str, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> Rates:
    """Tokens per second of whole requests, free and under a schema, the schema's compilation included."""
    from core.answer_text import json_grammar

    lines = [Line(where) for _ in range(max(CONCURRENCIES))]
    kinds = {"free": {"ignore_eos": True}, "constrained": {"structured_outputs": json_grammar(SCHEMA, 3)}}
    found: Rates = {kind: {} for kind in kinds}
    for turn in range(rounds + 1):
        for kind, options in kinds.items():
            for n in CONCURRENCIES:
                began = clock()
                counts = await asyncio.gather(*[_chat(line, model, options) for line in lines[:n]])
                if turn:
                    rate = sum(counts) / (clock() - began)
                    found[kind].setdefault(f"whole requests x{n}", []).append(rate)
    return found


def cpu_clock(pid: int) -> Callable[[], float]:
    """Seconds of CPU that the process and its children have taken: fair on a machine that others use as well.

    Only with one thread; several that wait for each other take CPU while they wait.
    """
    leader = psutil.Process(pid)
    processes = [leader, *leader.children(recursive=True)]
    return lambda: sum(sum(process.cpu_times()[:2]) for process in processes)


def table(found: Rates, base: str) -> list[str]:
    """Lines for people. Ratios are taken within each round; `best`: interference only ever slows a machine down."""
    lines = []
    for model, rates in found.items():
        for key, values in rates.items():
            line = f"{model:<14} {key:<20} {median(values):7.0f} tok/s (best {max(values):5.0f})"
            if model != base:
                turns = [mine / theirs for mine, theirs in zip(values, found[base][key], strict=True)]
                line += (
                    f"   ratio to {base} {median(turns):.2f} (of the best {max(values) / max(found[base][key]):.2f})"
                )
            lines.append(line)
    return lines


async def _complete(line: Line, model: str, prompt: int, answer: int) -> None:
    tokens = [random.randrange(1000, 40000) for _ in range(prompt)]
    body = {"model": model, "prompt": tokens, "max_tokens": answer, "temperature": 0, "ignore_eos": True}
    reply = await line.post("/v1/completions", body)
    assert reply.status == 200, reply.body


async def _chat(line: Line, model: str, options: dict[str, Any]) -> int:
    question = f"List sixty steps of gardening. Begin with number {random.randrange(10**6)}."
    body = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": DECODE_TOKENS}
    reply = await line.post("/v1/chat/completions", {**body, "temperature": 0, **options})
    assert reply.status == 200, reply.body
    return reply.json()["usage"]["completion_tokens"]
