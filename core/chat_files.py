"""Files that users add to one conversation: its own temporary corpus, for it alone. Knows no stage.

Two implementations: graft.chat_files on disk, and the one of the page's tests.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from core.chat import Event, Question
from core.corpus_desk import Progress
from core.document_store import StoredDocument

# The name under which passages of such files stand. No pack and no corpus can be called so.
OWN_FILES = "@files"


class ChatFile(BaseModel):
    """A file of a conversation. `source` names it; `reason`: why it was rejected."""

    source: str
    state: Literal["waiting", "indexed", "rejected"] = "waiting"
    reason: str = ""
    size: int = 0


class ChatFileLimits(BaseModel):
    """What may be added: files of one conversation, bytes of one file, bytes of all conversations of one user."""

    model_config = ConfigDict(frozen=True)

    files: int
    file_bytes: int
    user_bytes: int


class ChatFiles(Protocol):
    """The files of all conversations. A stranger's conversation is one that does not exist, for every method.

    Raises GraftError subclasses whose message says what to do: RequestError where the user has no such conversation.
    """

    limits: ChatFileLimits

    def files(self, user: str, conversation: str) -> list[ChatFile]:
        """The files by name, as they are now on disk."""
        ...

    def add(self, user: str, conversation: str, files: Sequence[tuple[str, Path]]) -> tuple[list[str], list[ChatFile]]:
        """Take files over under their names; one of the same name is replaced. `read` comes next.

        Returns the sources of those that were taken, and those that were refused, with the reason.
        """
        ...

    async def read(self, user: str, conversation: str, on_progress: Progress) -> None:
        """Read what was added, so that questions find it."""
        ...

    async def remove(self, user: str, conversation: str, source: str) -> None:
        """Remove a file, and what was read from it."""
        ...

    def delete(self, user: str, conversation: str) -> None:
        """Remove all files of a conversation; nothing happens where there are none."""
        ...

    def delete_all(self, user: str) -> None:
        """Remove all files of the user's conversations."""
        ...

    def stream(self, user: str, conversation: str, question: Question, corpus: str | None) -> AsyncIterator[Event]:
        """Answer as DomainService.stream does, searching the conversation's files beside `corpus`."""
        ...

    def content(self, user: str, conversation: str, source: str) -> bytes:
        """A file as it was added, read or not. Raises RequestError where there is none of this name."""
        ...

    def document(self, user: str, conversation: str, source: str) -> StoredDocument:
        """A file that was read."""
        ...
