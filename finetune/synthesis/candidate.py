"""Candidates for training: what a teacher wrote and code found sound, in a file that a person works through.

`review.jsonl` holds the candidates, `review-refused.jsonl` beside it what code refused, so that a run goes on where one
stopped. Both are replaced or appended whole, line by line.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from core.appended_lines import append_line, appended_lines
from core.errors import EditConflictError, ExampleError
from core.files import write_lines
from core.folder_lock import only_writer
from core.review import Candidate, ReviewStatus
from core.types import Example

__all__ = ["Candidate", "Refusal", "ReviewFile"]


class Refusal(BaseModel):
    """A try that code refused: the reason's kind, and the beginning of what the teacher wrote."""

    task: str
    reason: str
    text: str = ""


class ReviewFile:
    """The candidates of one pack in `folder` (its examples folder)."""

    def __init__(self, folder: Path) -> None:
        self.path, self.refused = folder / "review.jsonl", folder / "review-refused.jsonl"

    def read(self) -> list[Candidate]:
        """All candidates, in the order they came. Raises ExampleError naming the line."""
        return list(_read(self.path, Candidate))

    def refusals(self) -> list[Refusal]:
        """All refused tries. Raises ExampleError naming the line."""
        return list(_read(self.refused, Refusal))

    def tasks(self) -> set[str]:
        """Every task that has an outcome."""
        return {item.task for item in self.read()} | {item.task for item in self.refusals()}

    def count(self) -> Counter[str]:
        """Candidates by status."""
        return Counter(candidate.status for candidate in self.read())

    def add(self, outcome: Candidate | Refusal) -> None:
        """Append one outcome. A kill leaves at most half a last line, which is passed over."""
        path = self.path if isinstance(outcome, Candidate) else self.refused
        with only_writer(path.parent):
            append_line(path, outcome.model_dump(by_alias=True))

    def settle(self, task: str, status: ReviewStatus, example: Example, *, before: ReviewStatus | None = None) -> None:
        """Write down what became of a candidate, and the example as it was decided on.

        Raises EditConflictError when the candidate is gone, or its status is not `before` (None: whatever it is).
        """
        with only_writer(self.path.parent):
            found = self.read()
            known = next((candidate for candidate in found if candidate.task == task), None)
            if known is None or before not in (None, known.status):
                fate = "is gone" if known is None else f"was {known.status} already"
                raise EditConflictError(f"this candidate {fate}: somebody else works through the same file")
            settled = {"status": status, "example": example}
            lines = (one.model_copy(update=settled) if one.task == task else one for one in found)
            write_lines(self.path, (candidate.model_dump(by_alias=True) for candidate in lines))


def _read(path: Path, kind: "type[Candidate | Refusal]") -> Iterator:
    try:
        lines = list(appended_lines(path))
    except OSError as error:
        raise ExampleError(f"{path} cannot be read: {error}") from error
    for number, line in lines:
        try:
            yield kind.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise ExampleError(f"{path}:{number}: not JSON ({error.msg}); fix or remove the line") from error
        except UnicodeDecodeError as error:
            raise ExampleError(f"{path}:{number}: not UTF-8 ({error.reason}); fix or remove the line") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ExampleError(f"{path}:{number}: {key}: {first['msg']}; fix or remove the line") from error
