"""Writing files so that a kill at any moment leaves the old or the new content, whole; hashing; JSON lines."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from core.errors import WorkspaceError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` in one step, with the data on disk before the name points at it."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise disk_error(error, path) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def disk_error(error: OSError, path: Path) -> WorkspaceError:
    """Turn an OSError met while writing `path` into one line with a remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkspaceError(f"no space left while writing {path}: free some disk, then run the same command again")
    return WorkspaceError(f"cannot write {path}: {error.strerror or error}; check the folder's permissions")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path, make_error: Callable[[str], Exception] = WorkspaceError) -> Any:
    """Read JSON; a missing or broken file raises `make_error` with a line that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise make_error(f"{path} is missing") from error
    except (OSError, ValueError) as error:
        raise make_error(f"{path} cannot be read as JSON: {error}") from error


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write one JSON document per line, atomically."""
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Hex digest of a JSON value in canonical form (sorted keys, no spaces)."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
