"""A candidate for training, which a person accepts, edits or rejects. The type alone; files are others' business."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.types import Example

ReviewStatus = Literal["pending", "accepted", "rejected"]


class Candidate(BaseModel):
    """One candidate. `task` names what was asked of the teacher; `passage` is the text it saw.

    `replaces` None: a new example; else the id of the training example whose answer, `before`, it rewrites.
    """

    model_config = ConfigDict(extra="forbid")

    status: ReviewStatus = "pending"
    task: str
    example: Example
    passage: str = ""
    replaces: str | None = None
    before: str | None = None
    teacher: str = ""
