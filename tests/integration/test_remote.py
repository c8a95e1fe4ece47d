"""One service, asked directly and through the control socket of another process: the same answers, the same errors."""

import asyncio

import pytest

from core.arms import ARMS
from core.chat import Done, Found, Question, Searching
from core.errors import AdapterError, IngestError, MassDeletionError, RequestError, ServeError
from serve.remote import RemoteService
from tests.support.scripted_service import ADAPTER, ScriptedService, until
from tests.support.served_app import ServedApp, served_app

pytestmark = pytest.mark.integration
QUESTION = Question(text="When do I prune quince?", arm=ARMS["hybrid"])


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService("In February. [1]")


@pytest.fixture
def socket(tmp_path):
    return tmp_path / "run" / "control"


@pytest.fixture(params=["local", "remote"])
def either(request, service, socket):
    """The service itself, and the same behind a socket."""
    if request.param == "local":
        yield service
        return
    with served_app(service, socket):
        yield RemoteService(socket, service.pack)


def test_answer(either, service):
    answer = asyncio.run(either.answer(QUESTION))
    assert (answer.text, answer.model, answer.citations[0].source) == ("In February. [1]", ADAPTER, "shrubs/quince.md")
    assert len(answer.passages) == 2


def test_stream(either):
    async def go():
        return [event async for event in either.stream(QUESTION)]

    events = asyncio.run(go())
    assert isinstance(events[0], Searching)
    assert isinstance(events[1], Found)
    assert isinstance(events[-1], Done)
    assert len(events) > 4


def test_closed_stream_ends_the_generation(either, service):
    service.script.endless = 1

    async def go() -> None:
        events = either.stream(QUESTION)
        async for event in events:
            if not isinstance(event, (Searching, Found)):
                break
        await events.aclose()
        await until(lambda: service.script.running == 0)

    asyncio.run(go())
    assert service.script.aborted == 1


def test_errors(either, service):
    async def stream() -> None:
        async for _ in either.stream(QUESTION, "elsewhere"):
            pass

    with pytest.raises(RequestError, match="elsewhere"):
        asyncio.run(stream())
    with pytest.raises(AdapterError, match="garden@0"):
        asyncio.run(either.activate("garden@0"))
    for error in (IngestError("a.pdf cannot be read"), MassDeletionError("all documents of a.pdf would go")):
        service.ingest_error = error
        with pytest.raises(type(error), match=r"a\.pdf"):
            asyncio.run(either.ingest(lambda stage, share: None))


def test_the_rest(either, service):
    assert either.status() == service.state
    assert either.adapters()[0].name == ADAPTER
    assert either.corpora()[0].documents == 11
    assert [hit.source for hit in asyncio.run(either.search("quince", 1))] == ["shrubs/quince.md"]
    asyncio.run(either.activate(ADAPTER))
    told = []
    receipt = asyncio.run(either.ingest(lambda *news: told.append(news), reembed=True, allow_mass_deletion=True))
    assert receipt["indexed"] == 1
    assert service.ingested_with == {"reembed": True, "allow_mass_deletion": True}
    assert told == [("embedding", 0.5)]


def test_remote_is_alive_while_it_is_served(service, socket):
    remote = RemoteService(socket, service.pack)
    assert not remote.is_alive()
    with served_app(service, socket):
        assert remote.is_alive()
    assert not remote.is_alive()
    with pytest.raises(ServeError, match="does not answer"):
        asyncio.run(remote.answer(QUESTION))


def test_stale_socket_is_replaced_and_a_living_one_is_not(service, socket):
    import socket as sockets

    socket.parent.mkdir()
    with sockets.socket(sockets.AF_UNIX) as dead:
        dead.bind(str(socket))
    with served_app(service, socket) as first:
        second = ServedApp(ScriptedService(), socket)
        with pytest.raises(ServeError, match="another process listens"):
            asyncio.run(second.servers.run())
        assert RemoteService(first.socket, service.pack).is_alive()


def test_too_long_socket_path_is_said(service, tmp_path):
    path = tmp_path / ("x" * 110)
    served = ServedApp(service, path)
    with pytest.raises(ServeError, match="--workspace"):
        asyncio.run(served.servers.run())


def test_a_loan_ends_with_its_block_and_with_its_process(either, service):
    async def go() -> None:
        async with either.lend(ADAPTER):
            assert service.lent == [ADAPTER]
        await until(lambda: not service.lent)
        with pytest.raises(AdapterError, match="garden@0"):
            async with either.lend("garden@0"):
                pass
        borrower = asyncio.create_task(_borrow(either))
        await until(lambda: service.lent == [ADAPTER])
        borrower.cancel()
        await until(lambda: not service.lent)

    asyncio.run(go())


async def _borrow(either) -> None:
    async with either.lend(ADAPTER):
        await asyncio.Event().wait()
