"""Reading an examples file to its end, whatever its lines hold: valid lines, and findings for the rest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import ExampleError
from core.examples import parse_example
from finetune.dataset_check.finding import Finding, Line


def read_lines(path: Path, schemas: Mapping[str, Any]) -> tuple[list[Line], list[Finding]]:
    """Valid lines of `path`, and a finding for each that is no example or names an unknown schema. Raises ExampleError.

    A missing file has no lines and no findings.
    """
    lines: list[Line] = []
    findings: list[Finding] = []
    if not path.exists():
        return lines, findings
    try:
        # Not splitlines(): JSON strings may hold characters that it takes for line ends.
        texts = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ExampleError(f"examples file {path} cannot be read as UTF-8: {error}") from error
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            example = parse_example(text)
        except ValueError as error:
            findings.append(_bad(path, number, str(error), "fix or remove the line"))
            continue
        name = example.schema_name
        if name is not None and name not in schemas:
            known = ", ".join(schemas) or "none"
            findings.append(_bad(path, number, f"no schema '{name}'", f"the pack has {known}; add schemas/{name}.json"))
            continue
        lines.append(Line(path, number, example))
    return lines, findings


def _bad(path: Path, number: int, message: str, remedy: str) -> Finding:
    return Finding(severity="error", check="line", file=str(path), line=number, message=message, remedy=remedy)
