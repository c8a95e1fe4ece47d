"""What a question gets while the model is down: the passages that fit it, labelled as such. Asks no model."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

from core.chat import Delta, Done, Event, Found, Question
from core.errors import ModelDownError
from core.passages import to_citations
from core.types import STRUCTURED, Answer, Passage

LABEL = "The model is not running. These passages of the documents fit your question:"
NOTHING = "The model is not running, and no passage of the documents fits your question. Try again in a minute."


async def or_passages(events: AsyncIterator[Event], question: Question) -> AsyncGenerator[Event, None]:
    """Pass `events` on; when the model fails before its first word, the passages found are the answer.

    Only for questions that allow it (`or_passages`), in text or Markdown without a schema: passages have no other
    shape. Raises ModelDownError for all others. A model that is too slow is not down: TooSlowError passes.
    """
    started = time.perf_counter()
    passages: Sequence[Passage] | None = None
    begun = False
    async with aclosing(cast(Any, events)) as inner:
        try:
            async for event in inner:
                if isinstance(event, Found):
                    passages = event.passages
                begun = begun or isinstance(event, Delta)
                yield event
            return
        except ModelDownError:
            possible = question.or_passages and not question.has_shape and question.format not in STRUCTURED
            if begun or passages is None or not possible:
                raise
    answer = passages_answer(question, passages)
    answer.seconds = time.perf_counter() - started
    yield Delta(answer.text)
    yield Done(answer)


def passages_answer(question: Question, passages: Sequence[Passage]) -> Answer:
    """The passages as an answer that says what it is; each is its own citation."""
    blocks = [LABEL if passages else NOTHING, *(_block(passage, question.format) for passage in passages)]
    text = "\n\n".join(blocks)
    return Answer(
        text=text,
        answer=text,
        format=question.format,
        degraded=True,
        citations=to_citations([p.number for p in passages], passages, question.text),
        arm=question.arm.name,
        passages=list(passages),
        finish_reason="stop",
    )


def _block(passage: Passage, format: str) -> str:
    where = f"{passage.source}, {passage.locator}" if passage.locator else passage.source
    if format == "markdown":
        quoted = "\n".join(f"> {line}" for line in passage.text.splitlines())
        return f"[{passage.number}] **{where}**\n\n{quoted}"
    return f"[{passage.number}] {where}\n{passage.text}"
