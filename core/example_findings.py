"""A finding about examples: where, what, how bad, and what to do; and the report of all of them. Checks nothing."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

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


class CheckReport(BaseModel):
    """What was found. `skipped` says which checks could not be made, and why."""

    domain: str
    train: int
    test: int
    findings: list[Finding]
    skipped: list[str]

    @property
    def errors(self) -> int:
        """Findings that spoil training or measurement."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Findings to think about."""
        return len(self.findings) - self.errors
