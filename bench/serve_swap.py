"""What changing adapters costs: the first answer of a new one, more adapters than slots, and switching under load.

Whose answer it is shows in its text: each adapter's own answer is asked for first, alone, and the closest is taken.
That tells adapters apart only whose answers are far apart, so those are chosen among several random ones.
"""

import asyncio
import time
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import combinations
from statistics import median
from typing import Any

from serve_start import PACK, Served, publish
from thin_client import Line

PATH = "/v1/chat/completions"
QUESTION = "When is the best time to prune a quince?"
CANDIDATES, ADAPTERS = 10, 4
SWITCHES = 12
CLIENTS = 8
Figures = dict[str, Any]


async def swap(served: Served) -> Figures:
    """Four adapters for two slots."""
    made = publish(served, *range(1, CANDIDATES + 1))
    line = Line(served.url)
    found: Figures = {}
    # The first of all also warms up whatever LoRA needs for the first time.
    alone = {made[0]: await _ask(line, made[0])}
    loaded = [(await _ask(line, made[0]))[1] for _ in range(5)]
    news = []
    for name in made[1:]:
        alone[name] = await _ask(line, name)
        news.append(alone[name][1])
    texts = {name: text for name, (text, _) in alone.items()}
    names = min(combinations(made, ADAPTERS), key=lambda four: _closest_pair(four, texts))
    texts = {name: texts[name] for name in names}
    # In this order each has just been pushed out of its slot.
    again = [(await _ask(line, name))[1] for name in (*names, *names, *names)]
    found["seconds of an answer, adapter in its slot"] = round(median(loaded), 3)
    found["seconds of a new adapter's first answer, longest"] = round(max(news), 3)
    found["seconds of an answer, adapter pushed out of its slot, median"] = round(median(again), 3)
    found["closest two adapters' answers"] = round(_closest_pair(names, texts), 2)
    return found | await _switch_under_load(served, texts)


async def _switch_under_load(served: Served, texts: dict[str, str]) -> Figures:
    from core.pack import load_pack
    from core.workspace import Workspace
    from graft.sockets import control_socket
    from serve.remote import RemoteService

    remote = RemoteService(
        control_socket(Workspace.open(served.folder), "garden"), load_pack(str(PACK), PACK.parent, PACK.parent)
    )
    names = list(texts)
    await remote.activate(names[0], unchecked=True)
    done = asyncio.Event()
    answers: list[tuple[int, str, str]] = []
    times: list[float] = []

    async def client(number: int) -> None:
        line = Line(served.url)
        while not done.is_set():
            # Half ask whoever is active, the others one adapter by its name: the same prompt in both cases.
            model = "garden" if number % 2 else names[number % len(names)]
            reply = await line.post(PATH, _body(model))
            times.append(reply.seconds)
            body = reply.json()
            wanted = body["graft"]["model"] if reply.status == 200 else ""
            text = body["choices"][0]["message"]["content"] if reply.status == 200 else ""
            answers.append((reply.status, wanted, text))

    clients = [asyncio.create_task(client(n)) for n in range(CLIENTS)]
    switching = []
    for turn in range(1, SWITCHES + 1):  # there and back: the second of each pair is a roll-back
        began = time.perf_counter()
        await remote.activate(names[turn % 2], unchecked=True)
        switching.append(time.perf_counter() - began)
        await asyncio.sleep(1)
    done.set()
    await asyncio.gather(*clients)
    return {
        "switches under load": SWITCHES,
        "seconds of a switch, longest": round(max(switching), 3),
        "answers meanwhile": len(answers),
        "failed": sum(status != 200 for status, _, _ in answers),
        "of the wrong adapter": sum(
            _closest(text, texts) != wanted for status, wanted, text in answers if status == 200
        ),
        "answers by adapter": {name: sum(wanted == name for _, wanted, _ in answers) for name in names},
    }


def _body(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 24}


async def _ask(line: Line, model: str) -> tuple[str, float]:
    reply = await line.post(PATH, _body(model))
    assert reply.status == 200, reply.body
    return reply.json()["choices"][0]["message"]["content"], reply.seconds


def _closest_pair(names: Sequence[str], texts: dict[str, str]) -> float:
    return max(_likeness(texts[a], texts[b]) for a, b in combinations(names, 2))


def _closest(text: str, texts: dict[str, str]) -> str:
    return max(texts, key=lambda name: _likeness(text, texts[name]))


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
