"""One endpoint for two domains: the head of a model's name finds its domain, and the queue is one for both."""

import asyncio

import httpx
import pytest

from core.errors import ModelDownError
from core.pack import load_pack
from core.service import PartStatus
from core.settings import ServeSettings
from graft.build import SHIPPED_PACKS
from serve.gateway import create_app
from tests.support.scripted_service import ScriptedService, until

QUESTION = [{"role": "user", "content": "How do I reset my password?"}]
HELPDESK_ADAPTER = "helpdesk@11112222"


@pytest.fixture
def garden():
    service = ScriptedService("In February [1].", "Yes.")
    service.other_corpora = ["helpdesk"]
    return service


@pytest.fixture
def helpdesk():
    pack = load_pack("helpdesk", SHIPPED_PACKS, SHIPPED_PACKS)
    service = ScriptedService("By the link [1].", "Yes.", pack=pack, adapter=HELPDESK_ADAPTER)
    service.other_corpora = ["garden"]
    return service


@pytest.fixture
def client(garden, helpdesk):
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app([garden, helpdesk], ServeSettings(max_num_seqs=1, max_waiting=1))),
        base_url="http://127.0.0.1:7860",
    )


async def ask(client, model):
    return await client.post("/v1/chat/completions", json={"model": model, "messages": QUESTION})


def test_all_names_are_listed_the_main_domains_first(client):
    async def go():
        names = [entry["id"] for entry in (await client.get("/v1/models")).json()["data"]]
        assert names[0] == "garden"
        assert names[-1] == "helpdesk+garden"
        assert {"garden:rag", "helpdesk:rag", "garden@3f9c2a1b", HELPDESK_ADAPTER, "garden+helpdesk"} <= set(names)
        assert len(set(names)) == len(names)
        assert (await client.get(f"/v1/models/{HELPDESK_ADAPTER}")).json()["id"] == HELPDESK_ADAPTER

    asyncio.run(go())


@pytest.mark.parametrize(
    ("model", "served", "corpus"),
    [
        ("helpdesk", HELPDESK_ADAPTER, None),
        ("helpdesk:rag", "base-model", None),
        (HELPDESK_ADAPTER, HELPDESK_ADAPTER, None),
        ("helpdesk+garden", HELPDESK_ADAPTER, "helpdesk+garden"),
        ("helpdesk+garden:rag", "base-model", "helpdesk+garden"),
    ],
)
def test_the_head_of_a_name_gives_persona_and_adapter(client, garden, helpdesk, model, served, corpus):
    async def go():
        answer = (await ask(client, model)).json()
        assert answer["choices"][0]["message"]["content"].startswith("By the link")
        assert (answer["model"], answer["graft"]["model"]) == (model, served)

    asyncio.run(go())
    assert helpdesk.asked_corpora == [corpus]
    assert helpdesk.script.prompts[0][0].text.startswith(helpdesk.pack.persona)
    assert garden.asked_corpora == []


@pytest.mark.parametrize("model", ["roses", "helpdesk@3f9c2a1b", "garden@11112222", "helpdesk:x", "@11112222", ""])
def test_an_unknown_name_is_refused_with_the_names_of_both(client, garden, helpdesk, model):
    async def go():
        answer = await ask(client, model)
        assert answer.status_code == 404
        message = answer.json()["error"]["message"]
        assert "garden:rag" in message
        assert HELPDESK_ADAPTER in message

    asyncio.run(go())
    assert garden.asked_corpora == helpdesk.asked_corpora == []


def test_the_queue_is_one_for_both(client, garden, helpdesk):
    async def go():
        garden.script.endless = 1
        first = asyncio.create_task(ask(client, "garden"))
        await until(lambda: garden.script.running == 1)
        second = asyncio.create_task(ask(client, "helpdesk"))
        await asyncio.sleep(0.05)
        third = await ask(client, "helpdesk")
        assert third.status_code == 503
        assert helpdesk.script.prompts == []
        metrics = (await client.get("/metrics")).text
        assert "graft_queue_waiting 1.0" in metrics
        garden.script.broken = True
        with pytest.raises(RuntimeError, match="broke"):
            await first
        assert (await second).status_code == 200

    asyncio.run(go())


def test_ready_is_red_until_every_domain_is(client, garden, helpdesk):
    async def go():
        helpdesk.state.corpus = PartStatus(state="failed", detail="no documents")
        answer = await client.get("/ready")
        assert answer.status_code == 503
        body = answer.json()
        assert (body["ready"], body["domain"]) == (False, "garden")
        assert [state["ready"] for state in body["domains"].values()] == [True, False]
        assert body["domains"]["helpdesk"]["corpus"]["detail"] == "no documents"
        metrics = (await client.get("/metrics")).text
        assert 'graft_ready{domain="garden",part="corpus"} 1.0' in metrics
        assert 'graft_ready{domain="helpdesk",part="corpus"} 0.0' in metrics
        helpdesk.state.corpus = PartStatus(state="ready")
        assert (await client.get("/ready")).status_code == 200

    asyncio.run(go())


def test_a_failure_in_one_domain_is_no_failure_of_the_other(client, garden, helpdesk):
    async def go():
        helpdesk.script.error = ModelDownError("the language model does not answer")
        assert (await ask(client, "helpdesk:base")).status_code == 503
        assert (await ask(client, "garden")).status_code == 200

    asyncio.run(go())
