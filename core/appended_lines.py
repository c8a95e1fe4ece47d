"""Files that grow by a line, one JSON value each: on disk once written, and a kill costs the line it cut off, no other.

Knows no meaning of the values.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from core.files import disk_error


def append_line(path: Path, value: Any) -> None:
    """Append `value` as a line; it is on disk when this returns. Raises WorkspaceError when it cannot be written.

    What a kill left of the last line is taken away; a whole value that lacks only its line end gets it.
    """
    line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            _end_last_line(file)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise disk_error(error, path) from error


def appended_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of `path`, none where it is missing, with their numbers from 1; without empty ones and one cut off.

    Raises OSError when it cannot be read. A line as such may still be no JSON: somebody edited the file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    # Not splitlines(): values may hold separators such as U+2028, which JSON leaves as they are.
    *whole, last = data.split(b"\n")
    lines = [*whole, last] if _is_json(last) else whole
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


def _end_last_line(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    last = file.read().rpartition(b"\n")[2]
    if _is_json(last):
        file.write(b"\n")
    else:
        file.truncate(size - len(last))


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
