"""Asking: the questions of one arm put to whatever answers, some at once, with retries, cached as they come.

Transient failures are retried a little, then recorded; a question that is refused as it is (a prompt over the context)
is recorded at once. A row of failures stops the lab: what answered them can go on from the cache. Knows no score.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import BaseModel

from core.arms import Arm
from core.chat import Question
from core.errors import GraftError, LabError, OverloadedError, RequestError, ServeError
from core.types import Answer, Example
from evaluation.answer_cache import AnswerCache

RETRY_WAITS = (2.0, 15.0, 45.0)
# So many failed questions in a row mean that the model is gone, or the arm cannot work at all.
GIVE_UP_AFTER = 12


class QuestionsRefusedError(LabError):
    """So many questions in a row were refused as they are: another try mends nothing, shorter prompts may."""


OnAnswer = Callable[[int, int], None]


class Answerer(Protocol):
    """Whatever answers a question: the chat pipeline, or a served domain."""

    async def answer(self, question: Question) -> Answer:
        """Answer in one piece. Raises GraftError subclasses; ServeError is worth another try, RequestError is not."""
        ...


class Outcome(BaseModel):
    """What became of one question: an answer, or the line that says why there is none.

    `refused`: the question as it is, by whatever answers. `concurrency`: of an answer, how many were asked at once.
    """

    answer: Answer | None = None
    failure: str | None = None
    refused: bool = False
    cached: bool = False
    concurrency: int | None = None


class ArmAnswers(BaseModel):
    """All outcomes of one arm, in the order of the questions. `seconds` is wall time of what was not cached."""

    outcomes: list[Outcome]
    seconds: float

    @property
    def model(self) -> str | None:
        """The served model that answered, or None when nothing was answered."""
        return next((outcome.answer.model for outcome in self.outcomes if outcome.answer is not None), None)


def to_question(example: Example, arm: Arm, adapter: str | None, max_tokens: int | None = None) -> Question:
    """The question an example puts to an arm. It names the adapter: one activated meanwhile must not answer."""
    return Question(
        text=example.question,
        arm=arm,
        format=example.format,
        schema_name=example.schema_name,
        adapter=adapter if arm.adapter else None,
        max_tokens=max_tokens,
    )


async def ask_all(
    answerer: Answerer,
    questions: Sequence[Question],
    cache: AnswerCache,
    *,
    concurrency: int,
    on_answer: OnAnswer = lambda done, total: None,
    retry_waits: Sequence[float] = RETRY_WAITS,
) -> ArmAnswers:
    """Ask all questions, at most `concurrency` at once, in order.

    Raises LabError when nothing is answered any more, as QuestionsRefusedError when that is the questions' fault.
    """
    outcomes: list[Outcome | None] = [None] * len(questions)
    for index, question in enumerate(questions):
        known = cache.get(question)
        if known is not None:
            outcomes[index] = Outcome(answer=known, cached=True, concurrency=cache.concurrency(question))
    pending = [index for index, outcome in enumerate(outcomes) if outcome is None]
    done = len(questions) - len(pending)
    on_answer(done, len(questions))
    gate = asyncio.Semaphore(concurrency)
    failures_in_a_row: list[Outcome] = []

    async def ask(index: int) -> None:
        nonlocal done
        async with gate:
            outcome = await _ask_one(answerer, questions[index], retry_waits, concurrency)
        outcomes[index] = outcome
        if outcome.answer is not None:
            failures_in_a_row.clear()
            cache.put(questions[index], outcome.answer, concurrency)
        else:
            failures_in_a_row.append(outcome)
            if len(failures_in_a_row) >= GIVE_UP_AFTER:
                message = (
                    f"{len(failures_in_a_row)} questions in a row failed under arm '{questions[index].arm.name}': "
                    f"{outcome.failure}; once that is mended, the same command goes on where it stopped"
                )
                refused = all(failure.refused for failure in failures_in_a_row)
                raise QuestionsRefusedError(message) if refused else LabError(message)
        done += 1
        on_answer(done, len(questions))

    started = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for index in pending:
                group.create_task(ask(index))
    except BaseExceptionGroup as errors:
        # The first error ends the arm; the others are of the tasks it cancelled.
        raise _first(errors) from errors
    return ArmAnswers(
        outcomes=[outcome or Outcome(failure="not asked") for outcome in outcomes],
        seconds=time.perf_counter() - started if pending else 0.0,
    )


async def _ask_one(answerer: Answerer, question: Question, waits: Sequence[float], concurrency: int) -> Outcome:
    for wait in (*waits, None):
        try:
            return Outcome(answer=await answerer.answer(question), concurrency=concurrency)
        except RequestError as error:
            return Outcome(failure=str(error), refused=True)
        except ServeError as error:
            if wait is None:
                return Outcome(failure=str(error))
            await asyncio.sleep(max(wait, error.retry_after) if isinstance(error, OverloadedError) else wait)
    raise AssertionError("the last try returns")


def _first(errors: BaseExceptionGroup) -> BaseException:
    graft = [error for error in errors.exceptions if isinstance(error, GraftError)]
    return graft[0] if graft else errors.exceptions[0]
