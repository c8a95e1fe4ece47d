"""API keys as a file holds them: one line per key, `name:sha256 of the key in hex`. Stores no key."""

import hashlib
import hmac
import logging
import re
from pathlib import Path

from core.errors import ServeError

logger = logging.getLogger(__name__)
_LINE = re.compile(r"([\w.@-]+):([0-9a-f]{64})", re.ASCII)


class KeyRing:
    """The keys of one file. Follows changes of the file, so that a key is added or withdrawn without a restart."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ServeError when it is missing, empty, or has a line of another form."""
        self._path = path
        self._stamp = self._read_stamp()
        self._digests = _read(path)

    def holder(self, key: str) -> str | None:
        """The name whose key this is, or None. Compares with every key, in constant time."""
        self._follow()
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for name, known in self._digests:
            if hmac.compare_digest(digest, known):
                found = name
        return found

    def _follow(self) -> None:
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._digests = _read(self._path)
        except ServeError as error:
            # Closed is the safe side: nobody gets in until the file is right again.
            self._digests = []
            logger.warning("no key is accepted: %s", error)

    def _read_stamp(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"the API keys file {path} cannot be read: write lines of 'name:sha256-of-the-key'") from error
    keys = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ServeError(f"{path}, line {number}: expected 'name:' and the SHA-256 of the key as 64 hex digits")
        keys.append((match[1], match[2]))
    if not keys:
        raise ServeError(f"the API keys file {path} holds no key: add a line 'name:sha256-of-the-key'")
    return keys
