"""What happens when a question is asked, edited, stopped, taken back or asked again: values for the chat's components.

The open conversation goes in and comes out with every event; nothing is kept here, so that users cannot meet. What is
kept for a user goes into the store under the user of the request.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

import gradio as gr

from core.chat_files import ChatFiles
from core.conversations import ConversationStore
from core.errors import GraftError
from core.service import DomainService
from core.turns import Turn
from ui.choices import joined_corpora
from ui.conversation import Stream, run
from ui.language import spoken, t
from ui.render_status import not_ready_reason
from ui.settings_panel import read_question
from ui.show import EDITING, Shower, Values
from ui.talk import Talk
from ui.visitors import user_of
from ui.writing import Writing


class Handlers:
    """What happens on each event. Holds the service and the store, and no conversation.

    While an answer is being written, its generator alone changes the conversation; other events wait or stop it.
    """

    def __init__(
        self,
        service: DomainService,
        conversations: ConversationStore,
        show: Shower,
        files: ChatFiles | None = None,
    ) -> None:
        self.service, self._conversations, self._show, self._files = service, conversations, show, files

    async def ask(
        self, request: gr.Request, text: str, talk: Talk, writing: Writing, search: str, *settings: Any
    ) -> Values:
        """Append a question, or put it in the place of the one that is edited; the box is emptied when it was taken."""
        text = text.strip()
        refusal = self._refusal(writing)
        if not text or refusal is not None:
            return self._show.nothing() if refusal is None else self._show.note(refusal)
        kept = talk.turns if talk.editing is None else talk.turns[: talk.editing]
        values = await self._begin(request, text, talk, kept, writing, search, settings)
        return {**values, self._show.parts.box: ""} if writing.busy else values

    async def ask_example(
        self, request: gr.Request, event: gr.SelectData, talk: Talk, writing: Writing, search: str, *settings: Any
    ) -> Values:
        """Ask the sample question that was clicked."""
        return await self.ask(request, str(event.value["text"]), talk, writing, search, *settings)

    async def retry(
        self, request: gr.Request, event: gr.RetryData, talk: Talk, writing: Writing, search: str, *settings: Any
    ) -> Values:
        """Ask a question again, with the settings as they are now; later turns go."""
        refusal = self._refusal(writing)
        if refusal is not None or not talk.turns:
            return self._show.note(refusal or "")
        message = event.index if isinstance(event.index, int) else event.index[0]
        kept = talk.turns[: min(message // 2, len(talk.turns) - 1)]
        text = talk.turns[len(kept)].question.text
        return await self._begin(request, text, talk, kept, writing, search, settings)

    async def edit(self, event: gr.EventData, talk: Talk, writing: Writing) -> Values:
        """Put a question back into the box, to be asked in other words."""
        turn = event.turn
        if writing.busy or not isinstance(turn, int) or not 0 <= turn < len(talk.turns):
            return self._show.nothing()
        edited = talk.model_copy(update={"editing": turn})
        box = self._show.parts.box
        return {
            box: talk.turns[turn].question.text,
            **self._show.talk(edited, with_sources=False, note=t(EDITING)),
        }

    async def leave_edit(self, talk: Talk) -> Values:
        """Leave the edited question as it was."""
        return {self._show.parts.box: "", **self._show.talk(talk.having(talk.turns), with_sources=False)}

    async def undo(self, request: gr.Request, talk: Talk, writing: Writing) -> Values:
        """Take the last question back into the box."""
        if not talk.turns or writing.busy:
            return self._show.nothing()
        shorter = talk.having(talk.turns[:-1])
        await self._save(user_of(request), shorter)
        return {self._show.parts.box: talk.turns[-1].question.text, **self._show.talk(shorter, note="")}

    async def halt(self, talk: Talk, writing: Writing) -> Values:
        """End the answer that is being written; what it says so far stays."""
        if writing.stop() or not talk.turns:
            return self._show.nothing()
        return self._show.talk(talk.having([*talk.turns[:-1], talk.turns[-1].stopped()]))

    async def answer(self, request: gr.Request, talk: Talk, writing: Writing) -> AsyncGenerator[Values]:
        """Answer the waiting question, if there is one."""
        if not talk.turns or talk.turns[-1].state != "waiting" or not writing.busy:
            # A generator that yields nothing would empty its outputs.
            yield self._show.nothing()
            return
        user = user_of(request)
        drawn: object = None
        try:
            async with aclosing(run(self._asker(user, talk), talk.turns[-1], writing)) as states:
                async for turn in states:
                    talk = talk.having([*talk.turns[:-1], turn])
                    stage = (turn.passages is not None, turn.state == "searching", turn.running)
                    values = self._show.talk(writing.instead or talk, with_sources=stage != drawn)
                    if not turn.running:
                        values |= await self._keep(user, talk)
                    yield values
                    drawn = stage
        finally:
            if talk.running and user and talk.id:  # the browser has gone; not awaited, as this is being closed
                self._conversations.save(user, talk.id, [*talk.turns[:-1], talk.turns[-1].stopped()])

    def _asker(self, user: str | None, talk: Talk) -> Stream:
        """What answers: over the files of a conversation too, where there can be any."""
        if self._files is None or user is None or talk.id is None:
            return self.service.stream
        return partial(self._files.stream, user, talk.id)

    async def _begin(
        self,
        request: gr.Request,
        text: str,
        talk: Talk,
        kept: Sequence[Turn],
        writing: Writing,
        search: str,
        settings: Sequence[Any],
    ) -> Values:
        """Ask `text` after the turns that are `kept`."""
        user = user_of(request)
        kept = [turn.stopped() for turn in kept]
        writing.claim()
        try:
            talk = await self._save(user, talk.having([*kept, self._turn(text, kept, settings)]))
            listing = await asyncio.to_thread(self._show.listing, user, talk.id, search)
        except GraftError as error:
            writing.release()
            return self._show.note(spoken(str(error)))
        return self._show.talk(talk) | listing

    async def _save(self, user: str | None, talk: Talk) -> Talk:
        """Keep the conversation for its user; it gets an id with its first question."""
        if user is None:
            return talk
        if talk.id is None:
            identity = await asyncio.to_thread(self._conversations.create, user, talk.turns)
            return talk.model_copy(update={"id": identity})
        if not await asyncio.to_thread(self._conversations.save, user, talk.id, talk.turns):
            # Deleted elsewhere meanwhile. It does not come back, but may go on.
            return talk.model_copy(update={"id": None})
        return talk

    async def _keep(self, user: str | None, talk: Talk) -> Values:
        """Keep what an answer has come to. Where that fails, the line under the box says so, and the answer stays."""
        try:
            await self._save(user, talk)
        except GraftError as error:
            return self._show.note(t("This answer could not be kept: {error}", error=spoken(str(error))))
        return {}

    def _refusal(self, writing: Writing) -> str | None:
        if writing.busy:
            return t("An answer is being written. Wait for it, or press Stop.")
        try:
            return not_ready_reason(self.service.status())
        except GraftError as error:
            return spoken(str(error))

    def _turn(self, text: str, earlier: Sequence[Turn], settings: Sequence[Any]) -> Turn:
        arm, format, schema, constrained, corpora, adapter = settings
        history = tuple(turn.question.text for turn in earlier)
        question = read_question(text, history, arm, format, schema, constrained, adapter)
        return Turn(question=question, corpus=joined_corpora(corpora))
