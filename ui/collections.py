"""What happens to collections on the documents' page: choose, create, remove, watch folders. Values for components."""

import asyncio
from collections.abc import AsyncGenerator

import gradio as gr

from core.corpus_desk import CorpusRow, CorpusShelf
from core.errors import GraftError
from ui.documents import Documents, View
from ui.documents_parts import DocumentsParts
from ui.language import several, spoken, t
from ui.render_documents import folders_html, remove_html
from ui.show import Values


class Collections:
    """All collections, for one page. Holds no choice: the page's selector says which collection is looked at."""

    def __init__(self, shelf: CorpusShelf, parts: DocumentsParts, documents: Documents) -> None:
        self._shelf, self._parts, self._documents = shelf, parts, documents

    async def load(self, corpus: str | None, search: str, state: str, view: View) -> Values:
        """The page is opened: the collections there are, and the documents of the chosen one."""
        shown = await self._open(corpus, search, state, view)
        return {**shown, self._parts.timer: gr.Timer(active=True)}

    async def choose(self, corpus: str | None, search: str, state: str, view: View) -> Values:
        """Another collection."""
        return await self._open(corpus, search, state, View(seen=view.seen), fresh=True)

    async def look(self, corpus: str | None, search: str, state: str, view: View) -> Values:
        """Now and then: what watching found. The list is made anew only when that says something new."""
        if not corpus:
            return {self._parts.view: gr.skip()}
        try:
            desk = await self._documents.desk(corpus)
            seen = hash(folders_html(await asyncio.to_thread(desk.folders)))
        except GraftError:
            return {self._parts.view: gr.skip()}
        if seen == view.seen:
            return {self._parts.view: gr.skip()}
        return await self._documents.list(corpus, search, state, view)

    async def create(self, title: str, state: str) -> Values:
        """A new collection, opened at once."""
        try:
            name = await asyncio.to_thread(self._shelf.create, title)
        except GraftError as error:
            return self._documents.say(spoken(str(error)), bad=True)
        shown = await self._open(name, "", state, View(), fresh=True)
        return {**shown, self._parts.title: "", **self._documents.say(t("Created. Add documents to it now."))}

    async def watch(self, folder: str, corpus: str, search: str, state: str, view: View) -> Values:
        """Read and follow a folder."""
        try:
            desk = await self._documents.desk(corpus)
            await asyncio.to_thread(desk.watch, folder)
        except GraftError as error:
            return self._documents.say(spoken(str(error)), bad=True)
        listed = await self._documents.list(corpus, search, state, view)
        return {**listed, self._parts.watched: "", **self._documents.say(t("The folder is watched from now on."))}

    async def act(self, event: gr.EventData, corpus: str, search: str, state: str, view: View) -> Values:
        """What is pressed in a table or list, and needs no asking."""
        if event.what not in {"watch", "unwatch"}:
            return await self._documents.act(event, corpus, search, state, view)
        try:
            desk = await self._documents.desk(corpus)
            change = desk.watch if event.what == "watch" else desk.unwatch
            await asyncio.to_thread(change, str(event.source))
        except GraftError as error:
            return self._documents.say(spoken(str(error)), bad=True)
        return await self._documents.list(corpus, search, state, view)

    async def delete(
        self, event: gr.EventData, corpus: str, search: str, state: str, view: View
    ) -> AsyncGenerator[Values]:
        """What is pressed and was asked back: a document, a folder or a whole collection goes."""
        source = str(event.source)
        if event.what == "remove":
            yield await self._remove(source, state)
        elif event.what == "forget":
            done = t("{folder} is no longer part of the collection.", folder=source)
            async for values in self._documents.told(
                corpus, lambda desk, tell: desk.forget(source, tell), lambda _: done
            ):
                yield values
            yield await self._documents.list(corpus, search, state, view)
        else:
            async for values in self._documents.delete(source, corpus, search, state, view):
                yield values

    async def _remove(self, corpus: str, state: str) -> Values:
        try:
            await asyncio.to_thread(self._shelf.remove, corpus)
        except GraftError as error:
            return self._documents.say(spoken(str(error)), bad=True)
        return {
            **await self._open(None, "", state, View(), fresh=True),
            **self._documents.say(t("The collection is removed.")),
        }

    async def _open(self, corpus: str | None, search: str, state: str, view: View, *, fresh: bool = False) -> Values:
        """A collection, by default the first; `fresh`: nothing of another one stays on the page."""
        try:
            rows = await asyncio.to_thread(self._shelf.corpora)
        except GraftError as error:
            return self._documents.say(spoken(str(error)), bad=True)
        chosen = next((row for row in rows if row.name == corpus), rows[0])
        parts = self._parts
        shown = {
            parts.corpus: gr.Dropdown(choices=[(_label(row), row.name) for row in rows], value=chosen.name),
            parts.remove: remove_html(chosen),
            parts.adding: gr.Column(visible=not chosen.foreign),
            parts.watching: gr.Column(visible=not chosen.foreign),
            parts.update: gr.Button(interactive=not chosen.foreign),
            **({parts.uploads: "", parts.hits: ""} if fresh else {}),
        }
        return {**shown, **await self._documents.list(chosen.name, search, state, view)}


def _label(row: CorpusRow) -> str:
    if not row.documents:
        return t("{title} (empty)", title=row.title)
    return several(row.documents, "{title} ({count} document)", "{title} ({count} documents)", title=row.title)
