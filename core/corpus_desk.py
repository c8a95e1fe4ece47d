"""What the page needs to look after collections of documents: their list, and one desk for each. Knows no stage.

Two implementations of each: graft.corpus_shelf and graft.corpus_desk, and those of the page's tests.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel

DocumentState = Literal["indexed", "rejected"]
Progress = Callable[[str, float], None]
"""What is being done, and the share of it from 0 to 1. Called from another thread."""


class DocumentRow(BaseModel):
    """One file that was seen. `reason`: why it was rejected; `notes`: remarks; `uploaded`: it came through the page."""

    source: str
    state: DocumentState
    reason: str = ""
    notes: str = ""
    title: str = ""
    format: str = ""
    size: int = 0
    chunks: int = 0
    uploaded: bool = False


class DocumentPage(BaseModel):
    """Some documents, and how many there are in all: that fit the search, indexed, rejected."""

    rows: list[DocumentRow]
    found: int
    indexed: int
    rejected: int


class ChunkRow(BaseModel):
    """One chunk as it was cut: where it stands, and its text. `start` and `end` are characters of the document."""

    locator: str
    place: str = ""
    start: int
    end: int
    text: str


class ExplainedHit(BaseModel):
    """A chunk that a search found, and what each part of the retriever made of it.

    Ranks count from 1; None: that part did not find it. `meaning` is the cosine, `words` the score of the index of
    words (the higher the better), `names` the bonus for names it defines or holds, `line` how much of the question its
    best line holds (0 to 1). `score` is what comes of it, 0 to 1; with a reranker, the reranker's.
    """

    source: str
    locator: str
    text: str
    start: int
    end: int
    page: int | None = None
    score: float
    meaning_rank: int | None = None
    meaning: float | None = None
    words_rank: int | None = None
    words: float | None = None
    names: float = 0.0
    line: float = 0.0


class FileState(BaseModel):
    """How far an uploaded file has come."""

    name: str
    state: Literal["waiting", "indexed", "rejected"] = "waiting"
    reason: str = ""


class FolderRow(BaseModel):
    """A folder that a collection reads documents from. `state` says what became of its last look, for people.

    `watching`: it is looked at again and again, and changes are taken over by themselves. `trouble`: `state` is one.
    """

    path: str
    watching: bool = True
    state: str = ""
    trouble: bool = False


class CorpusRow(BaseModel):
    """One collection. `own`: the served domain's; `created`: on the page, so it can be removed there.

    `foreign`: another domain's, which is looked at here and changed where that is served.
    """

    name: str
    title: str
    documents: int = 0
    chunks: int = 0
    own: bool = False
    created: bool = False

    @property
    def foreign(self) -> bool:
        """Whether documents are added elsewhere."""
        return not (self.own or self.created)


class CorpusDesk(Protocol):
    """The documents of one collection. Every method raises GraftError subclasses whose message says what to do."""

    corpus: str
    max_file_bytes: int

    def documents(self, search: str, state: DocumentState | None, offset: int, limit: int) -> DocumentPage:
        """Documents by name, those whose name or title holds `search`, in one state or all."""
        ...

    def chunks(self, source: str, offset: int, limit: int) -> tuple[list[ChunkRow], int]:
        """Chunks of a document in order, and how many it has."""
        ...

    async def explain(self, question: str, k: int) -> list[ExplainedHit]:
        """What a search finds, and why."""
        ...

    def add(self, files: Sequence[tuple[str, Path]]) -> list[str]:
        """Take files over under their names, which may be paths; one of the same name is replaced.

        Returns their sources.
        """
        ...

    def states(self, sources: Sequence[str]) -> list[FileState]:
        """How far the uploaded files have come, as they are now on disk."""
        ...

    async def sync(self, on_progress: Progress) -> None:
        """Bring the index up to date with the files."""
        ...

    async def delete(self, source: str, on_progress: Progress) -> None:
        """Delete an uploaded file, and its chunks from the index. Raises RequestError for any other document."""
        ...

    async def verify(self, on_progress: Progress) -> list[str]:
        """What is wrong with the index, a sentence each; empty when it is whole."""
        ...

    async def rebuild(self, on_progress: Progress) -> str:
        """Build what is served anew, without reading documents; a sentence about what was built."""
        ...

    def folders(self) -> list[FolderRow]:
        """The folders that are read beside uploads, and the pack's own."""
        ...

    def watch(self, folder: str) -> None:
        """Read this folder of the server's machine from now on, and follow it. Raises RequestError."""
        ...

    def unwatch(self, folder: str) -> None:
        """Follow it no more; its documents stay."""
        ...

    async def forget(self, folder: str, on_progress: Progress) -> None:
        """Take the folder out of the collection; its documents leave the index, the files stay."""
        ...


class CorpusShelf(Protocol):
    """All collections of a workspace. Every method raises GraftError subclasses whose message says what to do."""

    max_file_bytes: int

    def corpora(self) -> list[CorpusRow]:
        """All collections, the served domain's first."""
        ...

    def desk(self, corpus: str) -> CorpusDesk:
        """The desk of one. Raises RequestError for a name that is none."""
        ...

    def create(self, title: str) -> str:
        """A new, empty collection; returns its name. Raises RequestError when there is one of that title."""
        ...

    def remove(self, corpus: str) -> None:
        """Remove a collection that was created here, its uploads and its index. Raises RequestError for any other."""
        ...
