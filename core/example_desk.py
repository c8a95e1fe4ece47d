"""What the page needs to look after the examples of a domain. Knows no stage.

Two implementations: graft.example_desk over the files of a served domain, and the one of the page's tests.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from core.example_findings import CheckReport, Finding
from core.review import Candidate, ReviewStatus
from core.types import Example, Format

Split = Literal["train", "test"]


class Stamp(BaseModel):
    """Which line of a file, and what stood in it: whoever changes it says what they saw, so that nothing is lost.

    `line` counts from 1; `digest` is of the line's text.
    """

    model_config = ConfigDict(frozen=True)

    line: int
    digest: str


class ExampleRow(BaseModel):
    """One line of an examples file. `example` None: it cannot be read, and `flaw` says why."""

    model_config = ConfigDict(frozen=True)

    stamp: Stamp
    text: str
    example: Example | None = None
    flaw: str = ""


class ExampleFilter(BaseModel):
    """Which examples are wanted; None and empty: all. `words` have to stand in id, question, answer or evidence."""

    model_config = ConfigDict(frozen=True)

    words: str = ""
    format: Format | None = None
    schema_name: str | None = None
    tag: str | None = None
    answerable: bool | None = None


class ExamplePage(BaseModel):
    """Some lines of a file, how many fit and how many there are, and the tags that can be chosen from."""

    rows: list[ExampleRow]
    found: int
    total: int
    tags: list[str] = []


class CandidatePage(BaseModel):
    """Some candidates of one status, and how many there are of each."""

    rows: list[Candidate]
    counts: dict[ReviewStatus, int]


class TakenIn(BaseModel):
    """What became of users' corrections and votes.

    Left out were `tested`, because the test set asks the same, and `private`, which rest on files of one conversation.
    """

    added: int = 0
    replaced: int = 0
    known: int = 0
    tested: int = 0
    private: int = 0
    preferences: int = 0


class ExampleDesk(Protocol):
    """The examples of one domain. Every method raises GraftError subclasses whose message says what to do.

    `note` is what to know before anything is changed, if there is such a thing.
    """

    note: str

    def frozen(self) -> str:
        """What holds the test set as it is, in one sentence."""
        ...

    def examples(self, split: Split, wanted: ExampleFilter, offset: int, limit: int) -> ExamplePage:
        """Lines of a file in its order, those that fit."""
        ...

    def at(self, split: Split, line: int) -> ExampleRow:
        """The line of that number, counted from 1. Raises ExampleError where there is none."""
        ...

    def findings(self, example: Example, over: Stamp | None) -> list[Finding]:
        """What the checks say of an example that would be added, or take the place of the line `over`."""
        ...

    def save(self, example: Example, over: Stamp | None) -> ExampleRow:
        """Add a training example, or put it in the place of the line `over`. Returns the new line.

        Raises ExampleError with the first flaw, EditConflictError when somebody else has changed that line.
        """
        ...

    def remove(self, over: Stamp) -> None:
        """Delete a training example. Raises EditConflictError when it is another one by now."""
        ...

    def sources(self) -> Sequence[str]:
        """The documents that evidence can be from; empty without an index."""
        ...

    def check(self) -> CheckReport:
        """All checks of both files."""
        ...

    def candidates(self, status: ReviewStatus, offset: int, limit: int) -> CandidatePage:
        """Candidates of one status, in the order they came."""
        ...

    def candidate(self, task: str) -> Candidate:
        """One candidate. Raises ExampleError when there is none of that name."""
        ...

    def accept(self, task: str, example: Example) -> None:
        """Make a training example of a waiting candidate, as a person left it. Raises ExampleError with its flaw."""
        ...

    def settle(self, task: str, status: ReviewStatus) -> None:
        """Reject a waiting candidate, or let a rejected one wait again."""
        ...

    def take_in(self) -> TakenIn:
        """Make candidates and preferences of what users said about answers."""
        ...
