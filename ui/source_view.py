"""What happens when a citation is followed: its document opens beside the chat, at the cited place.

Whose a conversation's own file is asks `ChatFiles`; everything else stands in collections that all may search.
"""

import asyncio
from dataclasses import dataclass

import gradio as gr

from core.chat_files import OWN_FILES, ChatFiles
from core.document_links import document_path
from core.document_store import DocumentStore, StoredDocument
from core.errors import GraftError, RequestError
from core.page_pictures import PagePictures
from core.service import corpus_names
from core.turns import Turn
from core.types import Citation, Passage
from ui.downloads import own_file_path
from ui.language import spoken, t
from ui.render_source_view import head_html, page_html, pages_html, text_html, trouble_view
from ui.safe_html import escape
from ui.show import Shower, Values
from ui.talk import Talk
from ui.visitors import user_of


@dataclass(frozen=True)
class Sources:
    """Where documents are read, and what draws the pages of those that are PDFs."""

    documents: DocumentStore
    pictures: PagePictures


class SourceView:
    """Documents behind the citations of whoever sent the request; holds none of them."""

    def __init__(self, sources: Sources, files: ChatFiles | None, show: Shower) -> None:
        self._sources, self._files, self._show = sources, files, show

    async def open(self, request: gr.Request, event: gr.EventData, talk: Talk) -> Values:
        """Show a source: `event` names turn and number, and perhaps another page than the cited one."""
        found = _source(talk, event.turn, event.number)
        if found is None:
            return self._show.nothing()
        turn, place = found
        page = getattr(event, "page", None)
        page = page if isinstance(page, int) else None
        quote = place.quote if isinstance(place, Citation) else place.text
        user, conversation = user_of(request), talk.id
        link = _link(place, turn, conversation)
        try:
            document = await asyncio.to_thread(self._find, user, conversation, place, turn)
            return self._shown(await self._view(document, place, quote, (event.turn, event.number), page, link))
        except GraftError as error:
            head = head_html(place.source, place.place or place.locator, link)
            return self._shown(trouble_view(head, spoken(str(error)), quote))

    async def close(self) -> Values:
        """Show the list of sources again."""
        return self._shown("")

    async def _view(
        self,
        document: StoredDocument,
        place: Citation | Passage,
        quote: str,
        source: tuple[int, int],
        page: int | None,
        link: str,
    ) -> str:
        title = document.title or document.source
        content = await asyncio.to_thread(document.content) if document.format == "pdf" else None
        if content is not None:
            wanted = page or place.page or 1
            is_cited = wanted == (place.page or 1)
            words = [quote] if is_cited and quote else []
            picture = await self._sources.pictures.draw(content, wanted, words)
            where = t("{source}, page {page}", source=document.source, page=picture.page)
            head = head_html(title, where, link, pages_html(*source, picture.page, picture.pages))
            return page_html(head, picture, quote, cited_page=is_cited)
        pieces, whole = await asyncio.to_thread(document.pieces, place.start)
        where = ", ".join(part for part in (document.source, place.place or place.locator) if part)
        head = head_html(title, where, link)
        return text_html(head, pieces, place, quote, whole=whole, gone=document.format == "pdf")

    def _find(
        self, user: str | None, conversation: str | None, place: Citation | Passage, turn: Turn
    ) -> StoredDocument:
        if place.corpus != OWN_FILES:
            names = [place.corpus] if place.corpus else corpus_names(turn.corpus or "")[:1]
            return self._sources.documents.find(names[0] if names else "", place.source)
        if self._files is None or user is None or conversation is None:
            raise RequestError("this file was not kept: add it again")
        return self._files.document(user, conversation, place.source)

    def _shown(self, view: str) -> Values:
        return {self._show.parts.viewer: view, **self._show.nothing()}


def _source(talk: Talk, turn: object, number: object) -> tuple[Turn, Citation | Passage] | None:
    """The turn, and the citation with this number, or the passage where it was not cited."""
    if not isinstance(turn, int) or not isinstance(number, int) or not 0 <= turn < len(talk.turns):
        return None
    asked = talk.turns[turn]
    cited = asked.answer.citations if asked.answer else []
    places: list[Citation | Passage] = [*cited, *(asked.passages or ())]
    place = next((place for place in places if place.number == number and place.source), None)
    return None if place is None else (asked, place)


def _link(place: Citation | Passage, turn: Turn, conversation: str | None) -> str:
    if place.corpus == OWN_FILES:
        path = own_file_path(conversation or "", place.source)
        return f'<a class="document" href="{escape(path)}" download>{escape(t("Download"))}</a>'
    names = [place.corpus] if place.corpus else corpus_names(turn.corpus or "")[:1]
    if not names:
        return ""
    path = f"{document_path(names[0], place.source)}?file=1"
    return f'<a class="document" href="{escape(path)}" download>{escape(t("Download"))}</a>'
