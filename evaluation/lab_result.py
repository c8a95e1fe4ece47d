"""A lab run with what is made of it: the document that lab.json holds, and the figures as a table."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.files import write_json
from evaluation.result import LabData
from evaluation.summary import summarise
from evaluation.table import table_markdown


@dataclass(frozen=True)
class LabResult(LabData):
    """A whole lab run. `document` is what lab.json holds, `table` the figures as a Markdown table."""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The figures as JSON (see docs/method.md)."""
        return summarise(self)

    @property
    def table(self) -> str:
        """The figures of all arms, for the terminal and a README."""
        return table_markdown(self.document)


def write_lab_json(result: LabResult, path: Path) -> None:
    """Write the figures, atomically."""
    write_json(path, result.document)
