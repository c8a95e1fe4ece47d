"""What happens on the documents' page: list, open, search, add, delete, verify, rebuild. Values for its components.

Work on the index runs one piece at a time (the page queues it), and is told as it goes.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, cast

import gradio as gr
from pydantic import BaseModel, ConfigDict

from core.corpus_desk import CorpusDesk, CorpusShelf, DocumentState, Progress
from core.errors import GraftError
from ui.documents_parts import DocumentsParts
from ui.incoming import folder_names, plain_names
from ui.job import Job, stage_words
from ui.language import spoken, t
from ui.render_documents import (
    PAGE_CHUNKS,
    PAGE_ROWS,
    chunks_html,
    documents_html,
    folders_html,
    hits_html,
    uploads_html,
)
from ui.render_status import line_html
from ui.safe_html import escape
from ui.show import Values

HITS = 10


class View(BaseModel):
    """What one browser session looks at: where the list begins, and which document is open from which chunk on.

    `seen` is what it was last shown of watched folders.
    """

    model_config = ConfigDict(frozen=True)

    offset: int = 0
    opened: str | None = None
    chunk: int = 0
    seen: int | None = None


class Documents:
    """The documents of a collection, for one page. Holds the shelf and no view; `corpus` says which collection."""

    def __init__(self, shelf: CorpusShelf, parts: DocumentsParts) -> None:
        self._shelf, self._parts = shelf, parts

    async def list(self, corpus: str, search: str, state: str, view: View) -> Values:
        """The documents as they are now, and the chunks of the one that is open."""
        wanted = cast("DocumentState | None", state or None)
        try:
            desk = await self.desk(corpus)
            page = await asyncio.to_thread(desk.documents, search, wanted, view.offset, PAGE_ROWS)
            opened = ""
            if view.opened is not None:
                chunks, count = await asyncio.to_thread(desk.chunks, view.opened, view.chunk, PAGE_CHUNKS)
                opened = chunks_html(view.opened, chunks, view.chunk, count)
            folders = folders_html(await asyncio.to_thread(desk.folders))
        except GraftError as error:
            return self.say(spoken(str(error)), bad=True)
        table = documents_html(page, corpus, view.offset, view.opened)
        shown = {self._parts.table: table, self._parts.chunks: opened, self._parts.folders: folders}
        return {self._parts.view: view.model_copy(update={"seen": hash(folders)}), **shown}

    async def narrow(self, corpus: str, search: str, state: str, view: View) -> Values:
        """Another search or state: the list from its beginning."""
        return await self.list(corpus, search, state, view.model_copy(update={"offset": 0}))

    async def act(self, event: gr.EventData, corpus: str, search: str, state: str, view: View) -> Values:
        """Open a document's chunks, close them, or turn a page."""
        what, _, number = str(event.what).partition(" ")
        at = int(number) if number.isdigit() else 0
        changes: dict[str, dict[str, Any]] = {
            "open": {"opened": str(event.source), "chunk": 0},
            "close": {"opened": None},
            "documents": {"offset": at},
            "chunks": {"chunk": at},
        }
        return await self.list(corpus, search, state, view.model_copy(update=changes.get(what, {})))

    async def search(self, question: str, corpus: str) -> Values:
        """Search, with what each part of the retriever says."""
        if not question.strip():
            return {self._parts.hits: _empty(t("Type a question first."))}
        try:
            return {self._parts.hits: hits_html(await (await self.desk(corpus)).explain(question, HITS), corpus)}
        except GraftError as error:
            return {self._parts.hits: _trouble(spoken(str(error)))}

    async def add(
        self,
        files: Sequence[str] | None,
        folder: Sequence[str] | None,
        paths: str,
        corpus: str,
        search: str,
        state: str,
        view: View,
    ) -> AsyncGenerator[Values]:
        """Take uploaded files and a folder's over, index them, and tell of each how far it is.

        Gradio's own copies stay: the same file has one path, whoever sends it (see `ui.attachments`).
        """
        incoming = [*plain_names(files or ()), *folder_names(folder or (), paths)]
        if not incoming:
            yield {self._parts.uploads: _empty(t("Choose files first."))}
            return
        try:
            desk = await self.desk(corpus)
            sources = await asyncio.to_thread(desk.add, incoming)
        except GraftError as error:
            yield self.say(spoken(str(error)), bad=True)
            return
        job = Job(desk.sync)
        yield {self._parts.files: None, self._parts.folder: None, **self._busy(True)}
        async for stage, share in job.follow():
            yield {self._parts.uploads: await self._uploads(desk, sources, stage, share)}
        shown = await self._uploads(desk, sources) + (_trouble(spoken(job.error)) if job.error else "")
        yield {**await self.list(corpus, search, state, view), **self._busy(False), self._parts.uploads: shown}

    async def delete(self, source: str, corpus: str, search: str, state: str, view: View) -> AsyncGenerator[Values]:
        """Delete an uploaded document."""
        shut = view.model_copy(update={"opened": None}) if view.opened == source else view
        done = t("{source} is deleted.", source=source)
        async for values in self.told(corpus, lambda desk, tell: desk.delete(source, tell), lambda _: done):
            yield values
        yield await self.list(corpus, search, state, shut)

    async def update(self, corpus: str, search: str, state: str, view: View) -> AsyncGenerator[Values]:
        """Bring the index up to date with all folders."""
        done = t("The index is up to date with its folders.")
        async for values in self.told(corpus, lambda desk, tell: desk.sync(tell), lambda _: done):
            yield values
        yield await self.list(corpus, search, state, view)

    async def verify(self, corpus: str) -> AsyncGenerator[Values]:
        """Check the index."""
        async for values in self.told(corpus, lambda desk, tell: desk.verify(tell), _found):
            yield values

    async def rebuild(self, corpus: str) -> AsyncGenerator[Values]:
        """Build what is served anew."""
        async for values in self.told(corpus, lambda desk, tell: desk.rebuild(tell), lambda done: spoken(str(done))):
            yield values

    async def desk(self, corpus: str) -> CorpusDesk:
        """The desk of a collection. Raises GraftError."""
        return await asyncio.to_thread(self._shelf.desk, corpus)

    async def told(
        self, corpus: str, work: Callable[[CorpusDesk, Progress], Awaitable[Any]], words: Callable[[Any], str]
    ) -> AsyncGenerator:
        """Do a piece of work at a desk, telling how far it is; `words` say what came of it."""

        async def begin(tell: Progress) -> Any:
            return await work(await self.desk(corpus), tell)

        job = Job(begin)
        async for stage, share in job.follow():
            yield {**self.say(f"{stage_words(stage)} … {share:.0%}"), **self._busy(True)}
        said = self.say(spoken(job.error), bad=True) if job.error else self.say(words(job.result))
        yield {**said, **self._busy(False)}

    async def _uploads(
        self, desk: CorpusDesk, sources: Sequence[str], stage: str = "", share: float | None = None
    ) -> str:
        try:
            states = await asyncio.to_thread(desk.states, sources)
        except GraftError as error:
            return _trouble(spoken(str(error)))
        return uploads_html(states, stage_words(stage), share)

    def _busy(self, busy: bool) -> Values:
        parts = self._parts
        return {
            button: gr.update(interactive=not busy) for button in (parts.add, parts.update, parts.verify, parts.rebuild)
        }

    def say(self, text: str, *, bad: bool = False) -> Values:
        """One line about the index."""
        return {self._parts.line: _trouble(text) if bad else line_html(text)}


def _found(problems: Sequence[str]) -> str:
    return " ".join(spoken(problem) for problem in problems) or t("The index is whole.")


def _empty(text: str) -> str:
    return f'<p class="empty">{escape(text)}</p>'


def _trouble(text: str) -> str:
    return f'<p class="trouble" role="alert">{escape(text)}</p>'
