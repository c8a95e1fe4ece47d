"""What happens when a question is asked, stopped, taken back or asked again: values for the chat's components.

Turns go in and come out with every event; nothing is kept here, so that users cannot meet.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr

from core.errors import GraftError
from core.service import DomainService
from ui.conversation import run
from ui.render_answer import messages
from ui.render_sources import sources_html
from ui.render_status import line_html, not_ready_reason, turn_line
from ui.settings_panel import read_question
from ui.turns import Turn
from ui.writing import Writing


def show(turns: Sequence[Turn], *, with_sources: bool = True, note: str | None = None) -> tuple[Any, ...]:
    """Values of turns, chat, sources, line, send and stop for a conversation."""
    running = bool(turns) and turns[-1].running
    text = note if note is not None else (turn_line(turns[-1]) if turns else "")
    return (
        list(turns),
        messages(turns),
        sources_html(turns) if with_sources else gr.skip(),
        line_html(text),
        gr.update(visible=not running),
        gr.update(visible=running),
    )


def nothing(count: int) -> tuple[Any, ...]:
    """Leave `count` components as they are."""
    return (gr.skip(),) * count


class Handlers:
    """What happens on each event. Holds the service and no conversation.

    While an answer is being written, its generator alone changes the conversation; other events wait or stop it.
    """

    def __init__(self, service: DomainService) -> None:
        self.service = service

    async def ask(self, text: str, turns: list[Turn], writing: Writing, *settings: Any) -> tuple[Any, ...]:
        """Append a question; the box is emptied when it was taken."""
        text = text.strip()
        refusal = self._refusal(writing)
        if not text or refusal is not None:
            return nothing(7) if refusal is None else (*nothing(4), line_html(refusal), *nothing(2))
        turns = [*turns[:-1], turns[-1].stopped()] if turns else []
        turn = self._turn(text, turns, settings)
        writing.claim()
        return "", *show([*turns, turn])

    async def ask_example(
        self, event: gr.SelectData, turns: list[Turn], writing: Writing, *settings: Any
    ) -> tuple[Any, ...]:
        """Ask the sample question that was clicked."""
        return await self.ask(str(event.value["text"]), turns, writing, *settings)

    async def retry(self, event: gr.RetryData, turns: list[Turn], writing: Writing, *settings: Any) -> tuple[Any, ...]:
        """Ask a question again, with the settings as they are now; later turns go."""
        refusal = self._refusal(writing)
        if refusal is not None or not turns:
            return *nothing(4), line_html(refusal or ""), *nothing(2)
        message = event.index if isinstance(event.index, int) else event.index[0]
        kept = turns[: min(message // 2, len(turns) - 1)]
        turn = self._turn(turns[len(kept)].question.text, kept, settings)
        writing.claim()
        return gr.skip(), *show([*kept, turn])

    async def undo(self, turns: list[Turn], writing: Writing) -> tuple[Any, ...]:
        """Take the last question back into the box."""
        if not turns or writing.busy:
            return nothing(7)
        return turns[-1].question.text, *show(turns[:-1], note="")

    async def halt(self, turns: list[Turn], writing: Writing) -> tuple[Any, ...]:
        """End the answer that is being written; what it says so far stays."""
        if writing.stop() or not turns:
            return nothing(6)
        return show([*turns[:-1], turns[-1].stopped()])

    async def clear(self, writing: Writing) -> tuple[Any, ...]:
        """Begin a new conversation."""
        return ("", *nothing(6)) if writing.stop(discard=True) else ("", *show([]))

    async def answer(self, turns: list[Turn], writing: Writing) -> AsyncGenerator[tuple[Any, ...]]:
        """Answer the waiting question, if there is one."""
        if not turns or turns[-1].state != "waiting" or not writing.busy:
            # A generator that yields nothing would empty its outputs.
            yield nothing(6)
            return
        drawn: object = None
        async with aclosing(run(self.service, turns[-1], writing)) as states:
            async for turn in states:
                turns = [*turns[:-1], turn]
                stage = (turn.passages is not None, turn.state == "searching", turn.running)
                yield show([] if writing.discard else turns, with_sources=stage != drawn)
                drawn = stage

    def _refusal(self, writing: Writing) -> str | None:
        if writing.busy:
            return "An answer is being written. Wait for it, or press Stop."
        try:
            return not_ready_reason(self.service.status())
        except GraftError as error:
            return str(error)

    def _turn(self, text: str, earlier: Sequence[Turn], settings: Sequence[Any]) -> Turn:
        arm, format, schema, constrained, corpus, adapter = settings
        history = tuple(turn.question.text for turn in earlier)
        question = read_question(text, history, arm, format, schema, constrained, adapter)
        return Turn(question=question, corpus=corpus or None)
