"""The page over fakes in which all that strangers write is a payload: names of files, titles, reasons, chunks, hits.

Passages and answers are what a test says.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from core.chat_files import ChatFile
from core.conversations import ConversationStore
from core.corpus_desk import ChunkRow, DocumentRow, ExplainedHit
from core.document_store import DocumentStore
from core.user_database import UserDatabase
from ingest.page_pictures import SandboxedPages
from serve.documents import document_routes
from tests.fakes import FakeDesk, FakeService, FakeShelf
from tests.support.fake_chat_files import FakeChatFiles
from tests.support.index_files import write_index
from tests.support.running_app import running
from ui.desks import Desks
from ui.mount import DomainPage, mount
from ui.source_view import Sources

_A_NAME = 12
"""Payloads in the name of one file."""


@dataclass
class PoisonedHouse:
    """A page that is being served; `documents` is the one that can be opened."""

    url: str
    service: FakeService
    conversations: ConversationStore
    document: str

    def say(self, answer: str, passages: Sequence[Document]) -> None:
        """Let the model write `answer`, whatever is asked, and the search find `passages`."""
        self.service.model.script = lambda messages: answer
        self.service.pipeline = dataclasses.replace(
            self.service.pipeline, retriever=_Given(documents=list(passages)), token_budget=1_000_000
        )


@contextmanager
def poisoned_house(root: Path, texts: Sequence[str]) -> Iterator[PoisonedHouse]:
    """Serve the page, with `texts` in every name."""
    service, users = FakeService(root / "garden"), UserDatabase(root / "users.sqlite")
    corpus, name = root / "corpus", "x' onmouseover='parent.__ran.push(1)' <img src=x onerror=parent.__ran.push(2)>.txt"
    corpus.mkdir()
    (corpus / name).write_text("\n".join(texts))
    write_index(root / "corpora" / "garden", corpus, {name: "text"}, cut=2000)
    documents, conversations = DocumentStore(root / "corpora"), ConversationStore(users, "garden")
    names = [" ".join(texts[first : first + _A_NAME]) for first in range(0, len(texts), _A_NAME)]
    shelf = FakeShelf()
    shelf.own = _PoisonedDesk(names)
    files = _PoisonedFiles(service, conversations, root / "chat-files")
    files.names = names
    app, pages = FastAPI(), SandboxedPages(1 << 26)
    app.include_router(document_routes(documents))
    app = mount(app, [DomainPage(service, Desks(shelf, files=files, sources=Sources(documents, pages)))], users)
    try:
        with running(app) as url:
            yield PoisonedHouse(url, service, conversations, name)
    finally:
        pages.close()


class _Given(BaseRetriever):
    """Finds the same documents for every question."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self.documents


class _PoisonedDesk(FakeDesk):
    """Files with such names, titles, reasons, chunks and places."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.rows = {
            name: DocumentRow(
                source=name,
                state="rejected" if number % 2 else "indexed",
                title=name,
                reason=name,
                notes=name,
                chunks=1,
            )
            for number, name in enumerate(self.names)
        }

    def chunks(self, source: str, offset: int, limit: int) -> tuple[list[ChunkRow], int]:
        rows = [ChunkRow(locator=name, place=name, start=0, end=len(name), text=name) for name in self.names]
        return rows[offset : offset + limit], len(rows)

    async def explain(self, question: str, k: int) -> list[ExplainedHit]:
        return [
            ExplainedHit(source=name, locator=name, text=name, start=0, end=len(name), score=0.5) for name in self.names
        ]


class _PoisonedFiles(FakeChatFiles):
    """Files of every conversation, with such names and reasons."""

    names: Sequence[str] = ()

    def files(self, user: str, conversation: str) -> list[ChatFile]:
        self._conversations.check(user, conversation)
        return [
            ChatFile(source=name, state="rejected" if number % 2 else "indexed", reason=name if number % 2 else "")
            for number, name in enumerate(self.names)
        ]

    def _paths(self, user: str, conversation: str) -> list[Any]:
        return []
