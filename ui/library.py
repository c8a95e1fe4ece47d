"""What happens in the list of conversations: begin, open, search, rename, delete. Values for the chat's components."""

import asyncio

import gradio as gr

from core.chat_files import ChatFiles
from core.conversations import ConversationStore
from core.errors import GraftError
from core.feedback_store import FeedbackStore
from ui.language import marked, spoken, t
from ui.show import Shower, Values
from ui.talk import Mark, Talk
from ui.visitors import user_of
from ui.writing import Writing

KEEPS_NONE = marked("This browser keeps no cookies, so conversations are gone when you leave the page.")


class Library:
    """The conversations of whoever sent the request; holds none of them."""

    def __init__(
        self,
        conversations: ConversationStore,
        feedback: FeedbackStore,
        show: Shower,
        files: ChatFiles | None = None,
    ) -> None:
        self._conversations, self._feedback, self._show, self._files = conversations, feedback, show, files

    async def load(self, request: gr.Request, talk: Talk) -> Values:
        """Fill the list when the page opens."""
        user = user_of(request)
        return {**await self._listing(user, talk.id), **({} if user else self._show.note(t(KEEPS_NONE)))}

    async def search(self, request: gr.Request, text: str, talk: Talk) -> Values:
        """Show the conversations that hold the words."""
        listing = await self._listing(user_of(request), talk.id, text)
        parts = self._show.parts
        return {part: listing[part] for part in (parts.listing, parts.line) if part in listing}

    async def open(self, request: gr.Request, chosen: str | None, writing: Writing, search: str) -> Values:
        """Open the chosen conversation; an answer that is being written ends, and stays in its own."""
        user = user_of(request)
        if user is None or not chosen:
            return self._show.nothing()
        try:
            talk = await asyncio.to_thread(self._read, user, chosen)
        except GraftError as error:
            return self._show.note(spoken(str(error)))
        return await self._switch(user, talk, writing, search)

    async def begin(self, request: gr.Request, writing: Writing, search: str) -> Values:
        """Begin a new conversation."""
        return await self._switch(user_of(request), Talk(), writing, search)

    async def rename(self, request: gr.Request, title: str, talk: Talk, search: str) -> Values:
        """Give the open conversation another title."""
        user = user_of(request)
        if user is None or talk.id is None:
            return self._show.nothing()
        try:
            known = await asyncio.to_thread(self._conversations.read, user, talk.id)
            if known.title == title:  # the box was only left
                return self._show.nothing()
            await asyncio.to_thread(self._conversations.rename, user, talk.id, title)
        except GraftError as error:
            return self._show.note(spoken(str(error)))
        return await self._listing(user, talk.id, search)

    async def delete(self, request: gr.Request, event: gr.EventData, writing: Writing, search: str) -> Values:
        """Delete the conversation that the event names, or with `everything` all that is kept of the user."""
        user = user_of(request)
        if user is None:
            return self._show.nothing()
        try:
            if event.conversation == "everything":
                await asyncio.to_thread(self._conversations.delete_all, user)
                await asyncio.to_thread(self._feedback.delete_all, user)
                if self._files is not None:
                    await asyncio.to_thread(self._files.delete_all, user)
            else:
                await asyncio.to_thread(self._conversations.delete, user, str(event.conversation))
                if self._files is not None:
                    await asyncio.to_thread(self._files.delete, user, str(event.conversation))
        except GraftError as error:
            return self._show.note(spoken(str(error)))
        return await self._switch(user, Talk(), writing, search)

    def _read(self, user: str, conversation: str) -> Talk:
        found = self._conversations.read(user, conversation)
        ratings = self._feedback.of_turns(user, [turn.id for turn in found.turns])
        marks = {turn: Mark.of(rating) for turn, rating in ratings.items()}
        return Talk(id=found.id, turns=tuple(found.turns), marks=marks)

    async def _switch(self, user: str | None, talk: Talk, writing: Writing, search: str) -> Values:
        listing = {
            self._show.parts.box: "",
            self._show.parts.viewer: "",
            **self._show.no_rating(),
            **await self._listing(user, talk.id, search),
        }
        if writing.stop(instead=talk):
            return listing
        return {**listing, **self._show.talk(talk, note="")}

    async def _listing(self, user: str | None, current: str | None, search: str = "") -> Values:
        try:
            return await asyncio.to_thread(self._show.listing, user, current, search)
        except GraftError as error:
            return self._show.note(spoken(str(error)))
