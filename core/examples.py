"""Reading examples files. Every complaint names the file and the line."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from core.errors import ExampleError
from core.types import Example


def read_examples(path: Path) -> list[Example]:
    """Read a JSONL file of examples. Raises ExampleError naming file and line; ids must be unique."""
    examples = list(_parse_lines(path))
    seen: dict[str, int] = {}
    for number, example in enumerate(examples, start=1):
        if example.id in seen:
            raise ExampleError(f"{path}: example {number} repeats the id '{example.id}' of example {seen[example.id]}")
        seen[example.id] = number
    return examples


def _parse_lines(path: Path) -> Iterator[Example]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise ExampleError(f"examples file {path} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ExampleError(f"examples file {path} cannot be read as UTF-8: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Example.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise ExampleError(
                f"{path}:{number}: not JSON ({error.msg} at column {error.colno}); fix or remove the line"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "line"
            raise ExampleError(f"{path}:{number}: {key}: {first['msg']}") from error
