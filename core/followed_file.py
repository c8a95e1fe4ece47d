"""A list that stands in a file, a line for each entry, and is read anew when the file changes. Knows no entry."""

import fcntl
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from core.errors import GraftError

logger = logging.getLogger(__name__)
T = TypeVar("T")


class FollowedFile(Generic[T]):
    """The entries of one file, as `read` finds them; it raises GraftError for a file that is not right.

    A file that goes bad while it is followed has no entries until it is right again: closed is the safe side. `closed`
    is what the log says of that.
    """

    def __init__(self, path: Path, read: Callable[[Path], Sequence[T]], closed: str) -> None:
        """Read the file. Raises what `read` raises."""
        self.path, self._read, self._closed = path, read, closed
        self._stamp = self._read_stamp()
        self._entries = read(path)

    def entries(self) -> Sequence[T]:
        """Every entry, as the file has them now."""
        stamp = self._read_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._entries = self._read(self.path)
            except GraftError as error:
                self._entries = ()
                logger.warning("%s: %s", self._closed, error)
        return self._entries

    def _read_stamp(self) -> tuple[int, int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0, 0)
        return found.st_mtime_ns, found.st_size, found.st_ino


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are neither empty nor comments, numbered. Raises OSError, UnicodeDecodeError."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text


@contextmanager
def one_writer(path: Path) -> Iterator[None]:
    """One writer of a list at a time: the page and the command line may both change it. Not reentrant."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
