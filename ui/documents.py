"""What happens on the documents' page: list, open, search, add, delete, verify, rebuild. Values for its components.

Work on the index runs one piece at a time (the page queues it), and is told as it goes.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import gradio as gr
from pydantic import BaseModel, ConfigDict

from core.corpus_desk import CorpusDesk, DocumentState, Progress
from core.errors import GraftError
from ui.documents_parts import DocumentsParts
from ui.job import Job
from ui.render_documents import PAGE_CHUNKS, PAGE_ROWS, chunks_html, documents_html, hits_html, uploads_html
from ui.render_status import line_html
from ui.safe_html import escape
from ui.show import Values

HITS = 10
_STAGES = {"parse": "Reading", "embed": "Embedding", "store": "Storing", "verify": "Checking", "copy": "Copying"}


class View(BaseModel):
    """What one browser session looks at: where the list begins, and which document is open from which chunk on."""

    model_config = ConfigDict(frozen=True)

    offset: int = 0
    opened: str | None = None
    chunk: int = 0


class Documents:
    """The documents of the domain, for one page. Holds the desk and no view."""

    def __init__(self, desk: CorpusDesk, parts: DocumentsParts) -> None:
        self._desk, self._parts = desk, parts

    async def list(self, search: str, state: str, view: View) -> Values:
        """The documents as they are now, and the chunks of the one that is open."""
        wanted = cast("DocumentState | None", state or None)
        try:
            page = await asyncio.to_thread(self._desk.documents, search, wanted, view.offset, PAGE_ROWS)
            opened = ""
            if view.opened is not None:
                chunks, count = await asyncio.to_thread(self._desk.chunks, view.opened, view.chunk, PAGE_CHUNKS)
                opened = chunks_html(view.opened, chunks, view.chunk, count)
        except GraftError as error:
            return self._say(str(error), bad=True)
        table = documents_html(page, self._desk.corpus, view.offset, view.opened)
        return {self._parts.view: view, self._parts.table: table, self._parts.chunks: opened}

    async def narrow(self, search: str, state: str, view: View) -> Values:
        """Another search or state: the list from its beginning."""
        return await self.list(search, state, view.model_copy(update={"offset": 0}))

    async def act(self, event: gr.EventData, search: str, state: str, view: View) -> Values:
        """Open a document's chunks, close them, or turn a page."""
        what, _, number = str(event.what).partition(" ")
        at = int(number) if number.isdigit() else 0
        changes: dict[str, dict[str, Any]] = {
            "open": {"opened": str(event.source), "chunk": 0},
            "close": {"opened": None},
            "documents": {"offset": at},
            "chunks": {"chunk": at},
        }
        return await self.list(search, state, view.model_copy(update=changes.get(what, {})))

    async def search(self, question: str) -> Values:
        """Search, with what each part of the retriever says."""
        if not question.strip():
            return {self._parts.hits: '<p class="empty">Type a question first.</p>'}
        try:
            return {self._parts.hits: hits_html(await self._desk.explain(question, HITS), self._desk.corpus)}
        except GraftError as error:
            return {self._parts.hits: _trouble(str(error))}

    async def add(self, files: Sequence[str] | None, search: str, state: str, view: View) -> AsyncGenerator[Values]:
        """Take uploaded files over, index them, and tell of each how far it is."""
        if not files:
            yield {self._parts.uploads: '<p class="empty">Choose files first.</p>'}
            return
        paths = [Path(file) for file in files]
        try:
            sources = await asyncio.to_thread(self._desk.add, [(path.name, path) for path in paths])
        except GraftError as error:
            yield self._say(str(error), bad=True)
            return
        finally:
            for path in paths:  # Gradio's own copies
                with suppress(OSError):
                    path.unlink()
        job = Job(self._desk.sync)
        yield {self._parts.files: None, **self._busy(True)}
        async for stage, share in job.follow():
            yield {self._parts.uploads: await self._uploads(sources, stage, share)}
        shown = await self._uploads(sources) + (_trouble(job.error) if job.error else "")
        yield {**await self.list(search, state, view), **self._busy(False), self._parts.uploads: shown}

    async def delete(self, event: gr.EventData, search: str, state: str, view: View) -> AsyncGenerator[Values]:
        """Delete an uploaded document."""
        source = str(event.source)
        shut = view.model_copy(update={"opened": None}) if view.opened == source else view
        done = f"{source} is deleted."
        async for values in self._told(lambda tell: self._desk.delete(source, tell), lambda _: done):
            yield values
        yield await self.list(search, state, shut)

    async def update(self, search: str, state: str, view: View) -> AsyncGenerator[Values]:
        """Bring the index up to date with all folders."""
        async for values in self._told(self._desk.sync, lambda _: "The index is up to date with its folders."):
            yield values
        yield await self.list(search, state, view)

    async def verify(self) -> AsyncGenerator[Values]:
        """Check the index."""
        async for values in self._told(self._desk.verify, lambda found: " ".join(found) or "The index is whole."):
            yield values

    async def rebuild(self) -> AsyncGenerator[Values]:
        """Build what is served anew."""
        async for values in self._told(self._desk.rebuild, str):
            yield values

    async def _told(self, work: Callable[[Progress], Awaitable[Any]], words: Callable[[Any], str]) -> AsyncGenerator:
        """Do a piece of work, telling how far it is; `words` say what came of it."""
        job = Job(work)
        async for stage, share in job.follow():
            yield {**self._say(f"{_STAGES.get(stage, stage) or 'Working'} … {share:.0%}"), **self._busy(True)}
        said = self._say(job.error, bad=True) if job.error else self._say(words(job.result))
        yield {**said, **self._busy(False)}

    async def _uploads(self, sources: Sequence[str], stage: str = "", share: float | None = None) -> str:
        try:
            states = await asyncio.to_thread(self._desk.states, sources)
        except GraftError as error:
            return _trouble(str(error))
        return uploads_html(states, _STAGES.get(stage, stage) or "Working", share)

    def _busy(self, busy: bool) -> Values:
        parts = self._parts
        return {
            button: gr.update(interactive=not busy) for button in (parts.add, parts.update, parts.verify, parts.rebuild)
        }

    def _say(self, text: str, *, bad: bool = False) -> Values:
        return {self._parts.line: _trouble(text) if bad else line_html(text)}


def _trouble(text: str) -> str:
    return f'<p class="trouble" role="alert">{escape(text)}</p>'
