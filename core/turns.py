"""One turn of a conversation: what was asked, and how far the answer has come. Data only; knows no page."""

from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from core.chat import Question
from core.types import Answer, Passage

TurnState = Literal["waiting", "searching", "writing", "done", "stopped", "failed"]
_RUNNING: frozenset[TurnState] = frozenset({"waiting", "searching", "writing"})


def now() -> str:
    """The time, as ISO text in UTC, to the millisecond: such texts sort as times do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Turn(BaseModel):
    """A question and its answer so far.

    `id` names the turn for ratings; `asked` is ISO time. `passages` is None for an arm without documents, and until the
    search is over; `seconds` counts from the question; `error` is a sentence for people, in state `failed`.
    """

    model_config = ConfigDict(frozen=True)

    question: Question
    id: str = Field(default_factory=lambda: uuid4().hex)
    asked: str = Field(default_factory=now)
    corpus: str | None = None
    state: TurnState = "waiting"
    passages: tuple[Passage, ...] | None = None
    search_seconds: float | None = None
    text: str = ""
    seconds: float = 0.0
    answer: Answer | None = None
    error: str | None = None

    @property
    def running(self) -> bool:
        """Whether the answer is still on its way."""
        return self.state in _RUNNING

    def stopped(self) -> "Turn":
        """The same turn, ended by its user; what was written so far stays."""
        return self.model_copy(update={"state": "stopped"}) if self.running else self
