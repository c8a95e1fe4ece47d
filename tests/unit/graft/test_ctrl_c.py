"""Ctrl-C while documents are read: the end of the event loop waits for no ingestion and no check of an index."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from core.conversations import ConversationStore
from core.pack import load_pack
from core.settings import Settings
from core.user_database import UserDatabase
from core.workspace import Workspace
from graft.chat_files import LocalChatFiles
from graft.chat_folder import ChatFolder
from graft.corpus_desk import LocalCorpusDesk
from graft.service import LocalService
from tests.fakes import write_pack
from tests.support.scripted_service import until


class Slow:
    """In the place of work on an index: goes on until it may end."""

    def __init__(self):
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, *_, **__):
        self.begun.set()
        self.may_end.wait(10)
        return {}


@pytest.fixture
def slow():
    work = Slow()
    yield work
    work.may_end.set()


@pytest.fixture
def service(tmp_path, monkeypatch, slow):
    write_pack(tmp_path / "garden")
    workspace = Workspace.open(tmp_path / "ws")
    pack = load_pack(str(tmp_path / "garden"), tmp_path, tmp_path)
    service = LocalService(Settings(workspace=workspace.root), workspace, pack)
    for name in ("ingest_now", "ingest_other"):
        monkeypatch.setattr(service, name, slow)
    monkeypatch.setattr(service, "index", lambda corpus: SimpleNamespace(verify=slow, rebuild=slow, repair=slow))
    monkeypatch.setattr(service, "embeddings", lambda: None)
    monkeypatch.setattr(ChatFolder, "read", slow)
    return service


def read_chat_files(service):
    conversations = ConversationStore(UserDatabase(service.workspace.users), "garden")
    return LocalChatFiles(service, conversations).read("ann", conversations.create("ann", []), print)


@pytest.mark.parametrize(
    "begin",
    [
        lambda service: service.ingest(print),
        lambda service: LocalCorpusDesk(service).sync(print),
        lambda service: LocalCorpusDesk(service, "notes")._ingest(print),
        lambda service: LocalCorpusDesk(service).verify(print),
        lambda service: LocalCorpusDesk(service).rebuild(print),
        read_chat_files,
    ],
)
def test_the_end_of_the_loop_does_not_wait(service, slow, begin):
    with asyncio.Runner() as runner:

        async def interrupted():
            working = asyncio.ensure_future(begin(service))
            await until(slow.begun.is_set)
            assert not working.done()

        runner.run(interrupted())
        started = time.perf_counter()
    assert time.perf_counter() - started < 5
