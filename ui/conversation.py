"""Asks a question and tells how the answer grows. Knows turns, no service and no Gradio."""

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

from core.chat import Delta, Done, Event, Found, Question, Searching
from core.errors import GraftError
from core.turns import Turn
from ui.language import marked
from ui.ticking import batches
from ui.writing import Writing

log = logging.getLogger(__name__)
Stream = Callable[[Question, str | None], AsyncIterator[Event]]
"""Answers a question from a corpus, as DomainService.stream does."""

UNEXPECTED = marked(
    "Something went wrong inside Graft. Ask again; if it happens again, the log in the workspace tells more."
)


async def run(ask: Stream, turn: Turn, writing: Writing) -> AsyncGenerator[Turn]:
    """Yield the turn as it grows; the last one is `done`, `stopped` or `failed`. Raises nothing that a service raises.

    `writing.stop()`, closing or cancelling this iterator close the stream, which frees the model.
    """
    started = time.perf_counter()
    try:
        async with aclosing(batches(ask(turn.question, turn.corpus), writing.attach)) as stream:
            async for events in stream:
                turn = advance(turn, events, time.perf_counter() - started)
                yield turn
        if turn.running:
            yield turn.stopped()
    except GraftError as error:
        yield _failed(turn, str(error))
    except Exception:
        log.exception("an answer failed")
        yield _failed(turn, UNEXPECTED)
    finally:
        writing.release()


def advance(turn: Turn, events: Sequence[Event], seconds: float) -> Turn:
    """The turn after `events`, `seconds` after it was asked."""
    change: dict[str, Any] = {"seconds": seconds}
    text = turn.text
    for event in events:
        match event:
            case Searching():
                change["state"] = "searching"
            case Found(passages, search_seconds):
                change |= {"state": "writing", "passages": tuple(passages), "search_seconds": search_seconds}
            case Delta(piece):
                text += piece
                change["state"] = "writing"
            case Done(answer):
                text = answer.text
                change |= {"state": "done", "answer": answer, "seconds": answer.seconds}
    if turn.state == "waiting" and not turn.question.arm.retrieval:
        change.setdefault("state", "writing")
    return turn.model_copy(update=change | {"text": text})


def _failed(turn: Turn, error: str) -> Turn:
    return turn.model_copy(update={"state": "failed", "error": error})
