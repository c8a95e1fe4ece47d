"""What happens with files that are added to the open conversation: take over, read, remove. Values for components.

What is shown of a conversation that was opened meanwhile is not touched: progress stands in a place of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

import gradio as gr

from core.chat_files import ChatFile, ChatFiles
from core.conversations import ConversationStore
from core.errors import GraftError
from ui.job import Job, stage_words
from ui.language import marked, spoken, t
from ui.render_attachments import adding_html, refused_html
from ui.render_status import trouble_html
from ui.show import Shower, Values
from ui.talk import Talk
from ui.visitors import user_of

NEEDS_COOKIES = marked(
    "This browser keeps no cookies, so files cannot be kept: allow cookies, then open the page again."
)


class Attachments:
    """The files of whoever sent the request; holds none of them."""

    def __init__(self, files: ChatFiles, conversations: ConversationStore, show: Shower) -> None:
        self._files, self._conversations, self._show = files, conversations, show

    async def add(
        self, request: gr.Request, given: Sequence[str] | None, talk: Talk, search: str
    ) -> AsyncGenerator[Values]:
        """Take files over for the open conversation, which begins with them if need be, and read them.

        Gradio's own copies stay: the same file has one path, whoever sends it, and another's event may wait for it.
        They are removed by their age (`ui.page`).
        """
        parts, user = self._show.parts, user_of(request)
        paths = [Path(path) for path in given or ()]
        if user is None or not paths:
            yield {parts.adding: trouble_html(t(NEEDS_COOKIES)) if paths else "", parts.line: gr.skip()}
            return
        try:
            opened = talk if talk.id else await self._begin(user)
            conversation = opened.id or ""
            named = [(path.name, path) for path in paths]
            taken, refused = await asyncio.to_thread(self._files.add, user, conversation, named)
            if not taken and opened is not talk:  # nothing has come of it
                await asyncio.to_thread(self._conversations.delete, user, conversation)
                opened = talk
            listing = await asyncio.to_thread(self._show.listing, user, opened.id, search)
        except GraftError as error:
            yield {parts.adding: trouble_html(spoken(str(error))), parts.line: gr.skip()}
            return
        begun = {parts.talk: opened} if opened is not talk else {}
        yield {**begun, **listing, parts.adding: refused_html(refused)}
        if not taken:
            return
        job = Job(lambda tell: self._files.read(user, conversation, tell))
        async for stage, share in job.follow():
            states = [file for file in await self._states(user, conversation) if file.source in taken]
            yield {parts.adding: adding_html(states, stage_words(stage), share) + refused_html(refused)}
        yield {parts.adding: refused_html(refused) + (trouble_html(spoken(job.error)) if job.error else "")}

    async def remove(self, request: gr.Request, event: gr.EventData, talk: Talk) -> Values:
        """Remove a file of the open conversation."""
        parts, user = self._show.parts, user_of(request)
        if user is None or talk.id is None:
            return self._show.nothing()
        try:
            await self._files.remove(user, talk.id, str(event.source))
        except GraftError as error:
            return {parts.adding: trouble_html(spoken(str(error))), **self._show.nothing()}
        return {parts.adding: "", **self._show.note(t("{name} is removed.", name=event.source))}

    async def refresh(self, request: gr.Request, talk: Talk) -> Values:
        """The chips of the conversation that is open by now."""
        chips = await asyncio.to_thread(self._show.chips, user_of(request), talk.id)
        return {self._show.parts.chips: chips, **self._show.nothing()}

    async def _begin(self, user: str) -> Talk:
        return Talk(id=await asyncio.to_thread(self._conversations.create, user, []))

    async def _states(self, user: str, conversation: str) -> list[ChatFile]:
        with suppress(GraftError):  # deleted meanwhile
            return await asyncio.to_thread(self._files.files, user, conversation)
        return []
