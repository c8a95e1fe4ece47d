"""The lines that are checked; findings about them are of core.example_findings."""

from pathlib import Path
from typing import NamedTuple

from core.example_findings import Finding, Severity
from core.types import Example

__all__ = ["Finding", "Line", "Severity"]


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
