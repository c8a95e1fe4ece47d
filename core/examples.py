"""Reading examples files. Every complaint names the file and the line."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import ValidationError

from core.errors import ExampleError
from core.types import Example


def read_examples(path: Path, schemas: Collection[str] | None = None) -> list[Example]:
    """Read a JSONL file of examples. Raises ExampleError naming file and line.

    Ids must be unique; with `schemas`, a schema name must be one of them.
    """
    examples: list[Example] = []
    line_of: dict[str, int] = {}
    for number, example in _parse_lines(path):
        if example.id in line_of:
            raise ExampleError(f"{path}:{number}: repeats the id '{example.id}' of line {line_of[example.id]}")
        if schemas is not None and example.schema_name is not None and example.schema_name not in schemas:
            known = ", ".join(schemas) or "none"
            raise ExampleError(f"{path}:{number}: no schema '{example.schema_name}'; the pack has {known}")
        line_of[example.id] = number
        examples.append(example)
    return examples


def _parse_lines(path: Path) -> Iterator[tuple[int, Example]]:
    try:
        # Not splitlines(): JSON strings may hold U+2028 and other characters that it takes for line ends.
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise ExampleError(f"examples file {path} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ExampleError(f"examples file {path} cannot be read as UTF-8: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield number, parse_example(line)
        except ValueError as error:
            raise ExampleError(f"{path}:{number}: {error}") from error


def parse_example(line: str) -> Example:
    """One line as an example. Raises ValueError whose message says what is wrong with the line."""
    try:
        return Example.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno}); fix or remove the line") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "line"
        raise ValueError(f"{key}: {first['msg'].removeprefix('Value error, ')}") from error
