"""A finding about examples: where, what, how bad, and what to do. And the lines that are checked."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from core.types import Example

Severity = Literal["error", "warning"]


class Finding(BaseModel):
    """One finding. `line` counts from 1, None for the file as a whole; `other` is the `file:line` it clashes with."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    check: str
    file: str
    line: int | None
    message: str
    remedy: str
    other: str | None = None

    def __str__(self) -> str:
        """One line, as compilers write it."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.severity}: {self.message} [{self.check}]; {self.remedy}"


class Line(NamedTuple):
    """One valid line of an examples file."""

    file: Path
    number: int
    example: Example

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.number}"

    def finding(
        self, severity: Severity, check: str, message: str, remedy: str, other: "Line | None" = None
    ) -> Finding:
        """A finding about this line."""
        return Finding(
            severity=severity,
            check=check,
            file=str(self.file),
            line=self.number,
            message=message,
            remedy=remedy,
            other=other.place if other else None,
        )
