"""Uploads that become files of a conversation or documents: Gradio's copies are left to whoever else waits for them."""

import asyncio
from types import SimpleNamespace

import pytest

from core.conversations import ConversationStore
from core.corpus_desk import DocumentPage
from core.user_database import UserDatabase
from tests.fakes import FakeService
from tests.support.fake_chat_files import FakeChatFiles
from tests.unit.ui.test_library import named, request
from ui.attachments import Attachments
from ui.chat_parts import ChatParts
from ui.documents import Documents, View
from ui.documents_parts import DocumentsParts
from ui.show import Shower
from ui.talk import Talk


async def every(values):
    return [value async for value in values]


@pytest.fixture
def upload(tmp_path):
    """Where Gradio puts a file: the same place for the same content and name, whoever sends it."""
    path = tmp_path / "gradio" / "5ha256" / "medlar.txt"
    path.parent.mkdir(parents=True)
    path.write_text("Prune the medlar in November.")
    return path


def test_two_users_add_the_same_file(tmp_path, upload):
    conversations = ConversationStore(UserDatabase(tmp_path / "users.sqlite"), "garden")
    files = FakeChatFiles(FakeService(tmp_path / "garden"), conversations, tmp_path / "files")
    attachments = Attachments(files, conversations, Shower(named(ChatParts), conversations, files))
    for user in (None, "ann", "bob"):
        asyncio.run(every(attachments.add(request(user), [str(upload)], Talk(), "")))
    for user in ("ann", "bob"):
        (conversation,) = conversations.find(user, "")
        assert [file.source for file in files.files(user, conversation.id)] == ["medlar.txt"]


def test_documents_leave_it_too(upload):
    taken = []

    async def sync(tell):
        assert upload.is_file()

    nothing = DocumentPage(rows=[], found=0, indexed=0, rejected=0)
    desk = SimpleNamespace(
        add=taken.extend,
        sync=sync,
        states=lambda sources: [],
        documents=lambda *_: nothing,
        folders=list,
    )
    documents = Documents(SimpleNamespace(desk=lambda corpus: desk), named(DocumentsParts))
    asyncio.run(every(documents.add([str(upload)], None, "", "garden", "", "", View())))
    assert taken == [("medlar.txt", upload)]
    assert upload.is_file()
