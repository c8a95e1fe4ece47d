"""Adapters published, activated and rolled back while clients ask: no request fails, nobody answers for another.

Four adapters share two slots, so that each switch also pushes one out. Whose answer it is shows in its text, which is
compared with what each adapter says when it is asked alone.
"""

import asyncio
from collections.abc import Iterator
from difflib import SequenceMatcher

import httpx
import pytest

from core.errors import AdapterError
from core.files import read_json
from core.pack import load_pack
from core.workspace import Workspace
from finetune.adapters import AdapterManifest, AdapterStore
from graft.build import prompt_fingerprint
from graft.sockets import control_socket
from serve.remote import RemoteService
from tests.served.test_end_to_end import QUINCE
from tests.support.graft_process import GraftProcess
from tests.support.random_adapter import write_adapter

pytestmark = [pytest.mark.integration, pytest.mark.served]
CLIENTS, SWITCHES, TOKENS = 4, 6, 16


@pytest.fixture(scope="module")
def store(served: GraftProcess) -> AdapterStore:
    return AdapterStore("garden", served.workspace / "adapters" / "garden")


@pytest.fixture(scope="module")
def remote(served: GraftProcess) -> RemoteService:
    pack = load_pack(str(served.pack), served.pack.parent, served.pack.parent)
    return RemoteService(control_socket(Workspace.open(served.workspace), "garden"), pack)


@pytest.fixture
def names(
    served: GraftProcess, store: AdapterStore, remote: RemoteService, llm_dir, tmp_path_factory
) -> Iterator[list[str]]:
    """Four published adapters that say very different things; gone afterwards, the trained one active again."""
    before = store.active()
    assert before is not None
    found = []
    for seed in range(4):
        folder = write_adapter(
            llm_dir, tmp_path_factory.mktemp("made"), seed=seed, rank=(8, 16, 4, 32)[seed], spread=0.5
        )
        made = AdapterManifest(
            name="", domain="", base_name=store.manifest(before).base_name, prompt_hash=prompt_fingerprint(llm_dir)
        )
        found.append(store.add(folder, read_json(folder / "adapter_config.json", AdapterError), made).name)
    yield found
    asyncio.run(remote.activate(before, unchecked=True))
    for name in found:
        store.remove(name)


async def ask(client: httpx.AsyncClient, model: str) -> tuple[str, str]:
    """Who answered, and what."""
    body = {"model": model, "messages": [{"role": "user", "content": QUINCE}], "max_tokens": TOKENS}
    answer = (await client.post("/v1/chat/completions", json=body)).raise_for_status().json()
    return answer["graft"]["model"], answer["choices"][0]["message"]["content"]


def likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def test_switching_under_load_fails_no_request_and_mixes_up_no_answer(served, remote, names):
    async def drill() -> tuple[dict[str, str], list[tuple[str, str, str]]]:
        async with httpx.AsyncClient(base_url=served.base_url, timeout=300) as client:
            alone = {name: (await ask(client, name))[1] for name in names}
            answers: list[tuple[str, str, str]] = []
            over = asyncio.Event()

            async def keep_asking(number: int) -> None:
                # Half ask the domain, whoever is active; half one adapter by its name. The prompt is the same.
                asked = "garden" if number % 2 else names[number % len(names)]
                while not over.is_set():
                    answers.append((asked, *await ask(client, asked)))

            await remote.activate(names[0], unchecked=True)
            clients = [asyncio.create_task(keep_asking(number)) for number in range(CLIENTS)]
            for turn in range(1, SWITCHES + 1):
                seen = len(answers)
                await remote.activate(names[turn % 2], unchecked=True)  # every second one is a roll-back
                while len(answers) < seen + CLIENTS and not any(task.done() for task in clients):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            over.set()
            await asyncio.gather(*clients)  # raises what any of them met
            return alone, answers

    alone, answers = asyncio.run(drill())
    pairs = [(a, b) for a in names for b in names if a != b]
    assert max(likeness(alone[a], alone[b]) for a, b in pairs) < 0.6, "the adapters must differ, or nothing is proved"
    for asked, by, text in answers:
        assert by in names[:2] if asked == "garden" else by == asked
        assert max(names, key=lambda name: likeness(text, alone[name])) == by
    assert {by for asked, by, _ in answers if asked == "garden"} == set(names[:2])


def test_more_adapters_than_slots_take_turns(served, names):
    async def turns() -> list[dict[str, str]]:
        async with httpx.AsyncClient(base_url=served.base_url, timeout=300) as client:
            one_by_one = {name: (await ask(client, name))[1] for name in names}
            at_once = dict(await asyncio.gather(*[ask(client, name) for name in names]))
            return [one_by_one, at_once]

    one_by_one, at_once = asyncio.run(turns())
    assert set(at_once) == set(names)
    for name in names:
        assert max(names, key=lambda other: likeness(at_once[name], one_by_one[other])) == name
