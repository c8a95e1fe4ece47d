"""Finds the files of a corpus: every file, link and special file gets exactly one receipt. Opens none of them.

Links are followed only to regular files inside the corpus; folders behind links are not entered.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.printable import printable

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class FoundFile:
    """A regular file to read at `path`; `source` is its name in the index."""

    source: str
    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Refused:
    """An entry that is not read, and why. `hides`: a folder whose files may be there all the same."""

    source: str
    reason: str
    hides: bool = False

    def as_file(self) -> FoundFile:
        """In the form of a file of which nothing is known."""
        return FoundFile(self.source, Path(), 0, 0)


def find_files(roots: Sequence[Path], max_bytes: int) -> list[FoundFile | Refused]:
    """All entries below `roots` (files or folders), by source. Two roots with one relative path: the first is kept."""
    found: dict[str, FoundFile | Refused] = {}
    roots = [root.absolute() for root in roots]
    inside = [root.resolve() for root in roots]
    for root in roots:
        for entry in _below(root, inside, max_bytes):
            if entry.source in found:
                clash = Refused(
                    f"{entry.source} ({root})", "another corpus folder holds a file of this name: rename one"
                )
                found[clash.source] = clash
            else:
                found[entry.source] = entry
    return [found[source] for source in sorted(found)]


def _below(root: Path, inside: Sequence[Path], max_bytes: int) -> Iterator[FoundFile | Refused]:
    if not root.is_dir():
        yield _receipt(root, source_name(root.name), inside, max_bytes)
        return
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError as error:
            yield Refused(_source(folder, root), f"folder cannot be read: {error.strerror}", hides=True)
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name.startswith("."):
                    yield Refused(_source(path, root), "hidden folder: rename it to have it read")
                else:
                    folders.append(path)
                continue
            yield _receipt(path, _source(path, root), inside, max_bytes)


def _source(path: Path, root: Path) -> str:
    return source_name(path.relative_to(root).as_posix())


def source_name(path: str) -> str:
    """A path as the index names it: on one line, without control characters, and without bytes that are no UTF-8."""
    return printable(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _receipt(path: Path, source: str, inside: Sequence[Path], max_bytes: int) -> FoundFile | Refused:
    target = path
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = path.resolve(strict=True)
            if not any(target.is_relative_to(root) for root in inside):
                return Refused(source, f"link leads out of the corpus, to {printable(str(target))}: copy the file in")
            status = target.stat()
            if stat.S_ISDIR(status.st_mode):
                return Refused(source, "link to a folder: its files are read where they stand")
    except (OSError, RuntimeError) as error:
        broken = path.is_symlink()
        return Refused(source, "broken link" if broken else f"cannot be read: {getattr(error, 'strerror', error)}")
    if not stat.S_ISREG(status.st_mode):
        return Refused(source, f"{_KINDS.get(stat.S_IFMT(status.st_mode), 'a special file')}, not a regular file")
    if path.name.startswith("."):
        return Refused(source, "hidden file: rename it to have it read")
    if status.st_size > max_bytes:
        limit = max_bytes >> 20
        return Refused(source, f"{status.st_size / 2**20:.1f} MiB, over the limit of {limit} (ingest.max_file_mib)")
    return FoundFile(source, target, status.st_size, status.st_mtime_ns)


def hash_file(path: Path) -> str:
    """SHA-256 of a file that may have vanished or been swapped since it was found: then empty."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return hashlib.file_digest(file, "sha256").hexdigest() if regular else ""
    except OSError:
        return ""
