"""Files of conversations without ingestion: ChatFiles over the fake service, whose retriever finds their words too."""

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

from core.chat import Event, Question
from core.chat_files import OWN_FILES, ChatFile, ChatFileLimits
from core.conversations import ConversationStore
from core.corpus_desk import Progress
from core.document_store import DocumentStore, StoredDocument
from core.errors import RequestError
from retriever.memory import InMemoryRetriever
from tests.fakes import FakeService, WordRetriever
from tests.support.index_files import write_index


class FakeChatFiles:
    """Files named `*.exe` are rejected. `pause`: seconds that reading takes."""

    def __init__(self, service: FakeService, conversations: ConversationStore, root: Path) -> None:
        self._service, self._conversations, self._root = service, conversations, root
        self.limits = ChatFileLimits(files=3, file_bytes=1 << 20, user_bytes=2 << 20)
        self.pause = 0.0
        self.waiting: set[Path] = set()

    def files(self, user: str, conversation: str) -> list[ChatFile]:
        return [self._file(path) for path in self._paths(user, conversation)]

    def add(self, user: str, conversation: str, files: Sequence[tuple[str, Path]]) -> tuple[list[str], list[ChatFile]]:
        folder = self._folder(user, conversation) / "files"
        folder.mkdir(parents=True, exist_ok=True)
        taken, refused = [], []
        for name, path in files:
            if len(self._paths(user, conversation)) >= self.limits.files:
                reason = f"a conversation holds {self.limits.files} files at most: remove one"
                refused.append(ChatFile(source=name, state="rejected", reason=reason))
                continue
            shutil.copyfile(path, folder / name)
            self.waiting.add(folder / name)
            taken.append(name)
        return taken, refused

    async def read(self, user: str, conversation: str, on_progress: Progress) -> None:
        await asyncio.to_thread(on_progress, "parse", 0.5)
        await asyncio.sleep(self.pause)
        folder = self._folder(user, conversation)
        shutil.rmtree(folder / OWN_FILES, ignore_errors=True)
        paths = self._paths(user, conversation)
        formats = {path.name: "pdf" if path.suffix == ".pdf" else "text" for path in paths if path.suffix != ".exe"}
        write_index(folder / OWN_FILES, folder / "files", formats, cut=4000)
        self.waiting -= set(paths)

    async def remove(self, user: str, conversation: str, source: str) -> None:
        (self._folder(user, conversation) / "files" / source).unlink()
        await self.read(user, conversation, lambda stage, share: None)

    def delete(self, user: str, conversation: str) -> None:
        shutil.rmtree(self._root / user / conversation, ignore_errors=True)

    def delete_all(self, user: str) -> None:
        shutil.rmtree(self._root / user, ignore_errors=True)

    async def stream(
        self, user: str, conversation: str, question: Question, corpus: str | None
    ) -> AsyncGenerator[Event, None]:
        own = [path for path in self._paths(user, conversation) if path.suffix not in (".exe", ".pdf")]
        service, before = self._service, self._service.pipeline
        if own:
            words = WordRetriever(documents=[(path.name, "", path.read_text()) for path in own])
            found = [
                document.model_copy(update={"metadata": {**document.metadata, "corpus": OWN_FILES, **_place(document)}})
                for document in await words.ainvoke(question.text)
            ]
            others = await service.retriever.ainvoke(question.text)
            service.pipeline = dataclasses.replace(before, retriever=InMemoryRetriever(documents=[*found, *others]))
        try:
            async with aclosing(cast(Any, service.stream(question, corpus))) as events:
                async for event in events:
                    yield event
        finally:
            service.pipeline = before

    def content(self, user: str, conversation: str, source: str) -> bytes:
        path = self._folder(user, conversation) / "files" / source
        if path not in self._paths(user, conversation):
            raise RequestError(f"'{source}' is not among the files of this conversation")
        return path.read_bytes()

    def document(self, user: str, conversation: str, source: str) -> StoredDocument:
        return DocumentStore(self._folder(user, conversation)).find(OWN_FILES, source)

    def _file(self, path: Path) -> ChatFile:
        if path in self.waiting:
            return ChatFile(source=path.name, size=path.stat().st_size)
        bad = path.suffix == ".exe"
        reason = ".exe files hold no text that can be read" if bad else ""
        state = "rejected" if bad else "indexed"
        return ChatFile(source=path.name, state=state, reason=reason, size=path.stat().st_size)

    def _paths(self, user: str, conversation: str) -> list[Path]:
        folder = self._folder(user, conversation) / "files"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def _folder(self, user: str, conversation: str) -> Path:
        self._conversations.check(user, conversation)
        return self._root / user / conversation


def _place(document: Any) -> dict[str, int]:
    return {"start": 0, "end": len(document.page_content)}
