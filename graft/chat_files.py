"""Files that users add to a conversation, kept on this machine. Implements core.chat_files.

Whose a conversation is says the store of conversations, which is asked before any folder is looked into.
"""

import asyncio
import threading
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core.chat import Event, Question, Searching
from core.chat_files import OWN_FILES, ChatFile, ChatFileLimits
from core.conversations import ConversationStore
from core.corpus_desk import Progress
from core.document_store import DocumentStore, StoredDocument
from core.errors import GraftError, RequestError
from core.expendable import in_expendable_thread
from core.workspace import Workspace
from graft.chat_folder import ChatFolder, folders_below
from graft.corpus_desk import safe_name
from graft.service import LocalService

if TYPE_CHECKING:
    from retriever.hybrid import HybridRetriever

# An open index holds a vector index in memory; conversations that are not talked in give theirs back.
_MOST_OPEN = 8


def forget_files(workspace: Workspace, user: str) -> None:
    """Remove the files of all conversations of a user, about whatever domain, also where no Graft runs."""
    for domain in folders_below(workspace.all_chat_files):
        ChatFolder(domain.root / _home_name(user)).delete()


def _home_name(user: str) -> str:
    """The name of a user's folder: what users are called is no name for a folder."""
    return sha256(user.encode()).hexdigest()[:32]


class LocalChatFiles:
    """Beside the domain that `service` serves, in the same process; `conversations` says whose is what."""

    def __init__(self, service: LocalService, conversations: ConversationStore) -> None:
        self._service, self._conversations = service, conversations
        self._root = service.workspace.chat_files(service.pack.name)
        serve = service.settings.serve
        self.limits = ChatFileLimits(
            files=serve.chat_files, file_bytes=serve.chat_file_mib << 20, user_bytes=serve.chat_user_mib << 20
        )
        self._ingest = service.settings.ingest.model_copy(update={"workers": 1, "max_file_mib": serve.chat_file_mib})
        self._open: OrderedDict[Path, HybridRetriever] = OrderedDict()
        # Folders whose index this process has brought up to date: an earlier one may have been killed before it did.
        self._known: set[Path] = set()
        self._reading: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def files(self, user: str, conversation: str) -> list[ChatFile]:
        """The files by name."""
        return self._folder(user, conversation).files()

    def add(self, user: str, conversation: str, files: Sequence[tuple[str, Path]]) -> tuple[list[str], list[ChatFile]]:
        """Take files over, as many as the limits leave room for."""
        folder = self._folder(user, conversation)
        taken: list[str] = []
        refused: list[ChatFile] = []
        for given, path in files:
            name, reason, size = given, "", 0
            try:
                size = path.stat().st_size
                name = safe_name(given)
                reason = self._reason(folder, user, name, size)
            except RequestError as error:
                reason = str(error)
            except OSError:
                reason = "the upload is no longer there: add the file again"
            if reason:
                refused.append(ChatFile(source=name, state="rejected", reason=reason, size=size))
            else:
                folder.put(name, path)
                taken.append(name)
        return taken, refused

    async def read(self, user: str, conversation: str, on_progress: Progress) -> None:
        """Read what was added."""
        folder = self._folder(user, conversation)

        def progress(stage: str, done: int, total: int) -> None:
            on_progress(stage, done / total if total else 0.0)

        def read() -> None:
            with self._lock:
                lock = self._reading[folder.root]
            with lock:
                try:
                    folder.read(self._service.embeddings(), self._ingest, progress)
                    self._known.add(folder.root)
                finally:
                    if self._conversations.missing([conversation]):  # it was deleted meanwhile
                        self._delete(folder)

        await in_expendable_thread(read)

    async def remove(self, user: str, conversation: str, source: str) -> None:
        """Remove a file."""
        folder = self._folder(user, conversation)
        await asyncio.to_thread(folder.remove, source)
        await self.read(user, conversation, lambda stage, share: None)

    def delete(self, user: str, conversation: str) -> None:
        """Remove all files of a conversation. Below the user's own folder, so that it reaches nobody else's."""
        for folder in folders_below(self._home(user)):
            if folder.root.name == conversation:
                self._delete(folder)

    def delete_all(self, user: str) -> None:
        """Remove all files of the user."""
        for folder in folders_below(self._home(user)):
            self._delete(folder)
        with suppress(OSError):
            self._home(user).rmdir()

    def sweep(self) -> None:
        """Remove the files of conversations that are no more: deleted elsewhere, or before the server was killed."""
        folders = [folder for home in folders_below(self._root) for folder in folders_below(home.root)]
        gone = self._conversations.missing([folder.root.name for folder in folders])
        for folder in folders:
            if folder.root.name in gone:
                self._delete(folder)

    async def stream(
        self, user: str, conversation: str, question: Question, corpus: str | None
    ) -> AsyncGenerator[Event, None]:
        """Answer, searching the conversation's files beside `corpus`; those that wait to be read are read first."""
        own = None
        if question.arm.retrieval:
            folder = await asyncio.to_thread(self._folder, user, conversation)
            waits = await asyncio.to_thread(self._waits, folder)
            if waits:
                yield Searching()
                await self.read(user, conversation, lambda stage, share: None)
            own = await asyncio.to_thread(self._retriever, folder)
        async with aclosing(cast(Any, self._service.stream(question, corpus, own=own))) as events:
            async for event in events:
                yield event

    def content(self, user: str, conversation: str, source: str) -> bytes:
        """A file as it was added."""
        return self._folder(user, conversation).content(source)

    def document(self, user: str, conversation: str, source: str) -> StoredDocument:
        """A file that was read."""
        return DocumentStore(self._folder(user, conversation).root).find(OWN_FILES, source)

    def _folder(self, user: str, conversation: str) -> ChatFolder:
        """The folder of a conversation of the user. Raises RequestError where there is no such conversation."""
        self._conversations.check(user, conversation)
        return ChatFolder(self._home(user) / conversation)

    def _home(self, user: str) -> Path:
        return self._root / _home_name(user)

    def _reason(self, folder: ChatFolder, user: str, name: str, size: int) -> str:
        """Why a file cannot be taken; empty when it can."""
        limits, there = self.limits, {file.source: file.size for file in folder.files()}
        used = sum(other.size() for other in folders_below(self._home(user))) - there.get(name, 0)
        if size > limits.file_bytes:
            return f"larger than {limits.file_bytes >> 20} MiB: split it, or add it on the page for documents"
        if name not in there and len(there) >= limits.files:
            return f"a conversation holds {limits.files} files at most: remove one, or begin a new conversation"
        if used + size > limits.user_bytes:
            return (
                f"your conversations hold {limits.user_bytes >> 20} MiB of files at most: remove some, or delete "
                "conversations that you no longer need"
            )
        return ""

    def _waits(self, folder: ChatFolder) -> bool:
        files = folder.files()
        return bool(files) and (folder.root not in self._known or any(file.state == "waiting" for file in files))

    def _retriever(self, folder: ChatFolder) -> "HybridRetriever | None":
        from retriever.hybrid import open_retriever

        if not folder.has_passages:
            return None
        service = self._service
        with self._lock:
            found = self._open.pop(folder.root, None)
            if found is None:
                found = open_retriever(
                    folder.index, service.embeddings(), service.settings.retrieve, service.reranker()
                )
            self._open[folder.root] = found
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        return found

    def _delete(self, folder: ChatFolder) -> None:
        with self._lock:
            opened = self._open.pop(folder.root, None)
            self._known.discard(folder.root)
        if opened is not None:
            with suppress(GraftError):
                opened.close()
        folder.delete()
