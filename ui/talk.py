"""What one browser session has open: a conversation, and which of its questions is being edited. Data only."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from core.feedback import Rating, Verdict
from core.turns import Turn


class Mark(BaseModel):
    """What the user has said about an answer, as far as the answer itself shows it."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict | None = None
    corrected: bool = False

    @classmethod
    def of(cls, rating: Rating) -> "Mark":
        """What shows of a rating."""
        return cls(verdict=rating.verdict, corrected=rating.correction is not None)


class Talk(BaseModel):
    """The open conversation.

    `id` None: not kept yet, or not at all; `editing`: index of a turn to be asked anew; `marks` by the turns' ids.
    """

    model_config = ConfigDict(frozen=True)

    id: str | None = None
    turns: tuple[Turn, ...] = ()
    editing: int | None = None
    marks: dict[str, Mark] = {}

    @property
    def running(self) -> bool:
        """Whether an answer is being written, or waits for it."""
        return bool(self.turns) and self.turns[-1].running

    def having(self, turns: Sequence[Turn]) -> "Talk":
        """The same conversation with other turns; nothing is edited any more."""
        return Talk(id=self.id, turns=tuple(turns), marks=self.marks)
