"""API keys as a file holds them: one line per key, `name:sha256 of the key in hex`, then its user and limits.

Stores no key. Where there is a list of users, a key acts as one of them (`ApiKey.owner`).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import ServeError
from core.files import write_atomically
from core.followed_file import FollowedFile, numbered_lines, one_writer

_NAME = re.compile(r"[\w.@-]+", re.ASCII)
_LINE = re.compile(r"(?P<name>[\w.@-]+):(?P<digest>[0-9a-f]{64})(?P<limits>(\s+\w+=\S+)*)", re.ASCII)
_FORM = (
    "'name:' and the SHA-256 of the key as 64 hex digits, then perhaps user=NAME, requests_per_minute=N or "
    "max_body_mib=N"
)


@dataclass(frozen=True)
class ApiKey:
    """One line of the file. Limits that are None follow the settings of the same name.

    `user` is whose key it is, in the list of users; None: the user of the key's own name.
    """

    name: str
    digest: str
    requests_per_minute: int | None = None
    max_body_mib: float | None = None
    user: str | None = None

    @property
    def owner(self) -> str:
        """The name of the user whose key it is."""
        return self.user or self.name

    def line(self) -> str:
        """The key as the file holds it: numbers in full, so that they are read as they were given."""
        limits = {"requests_per_minute": self.requests_per_minute, "max_body_mib": self.max_body_mib}
        given = [f" {name}={value}" for name, value in limits.items() if value is not None]
        owner = f" user={self.user}" if self.user else ""
        return f"{self.name}:{self.digest}{owner}{''.join(given)}"


class KeyRing:
    """The keys of one file. Follows changes of the file, so that a key is added or withdrawn without a restart."""

    def __init__(self, path: Path, *, may_be_empty: bool = False) -> None:
        """Read the file. Raises ServeError when it is missing, empty, or has a line of another form.

        `may_be_empty`: there are other ways in, and the page can make the next key.
        """
        self._file = FollowedFile(path, read_keys if may_be_empty else _read_some, "no key is accepted")

    def find(self, key: str) -> ApiKey | None:
        """The line that this key belongs to, or None. Compares with every key, in constant time."""
        digest = digest_of(key)
        found = None
        for known in self._file.entries():
            if hmac.compare_digest(digest, known.digest):
                found = known
        return found

    def holder(self, key: str) -> str | None:
        """The name whose key this is, or None."""
        found = self.find(key)
        return found.name if found else None


def digest_of(key: str) -> str:
    """What is stored of a key. Keys are drawn at random, so that no salt and no slow hash are needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(path: Path) -> list[ApiKey]:
    """The keys of a file, in order. Raises ServeError when it cannot be read or has a line of another form."""
    try:
        lines = list(numbered_lines(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"the API keys file {path} cannot be read: graft keys add NAME writes it") from error
    return [_parse(path, number, text) for number, text in lines]


def add_key(path: Path, name: str, *, user: str | None = None, **limits: float | None) -> str:
    """Draw a key for `name`, add its hash to the file (which is made if need be), and return the key: only now.

    `user` is whose key it is, if not the user `name`; `limits`: requests_per_minute, max_body_mib. Raises ServeError
    for a name that is taken or not one word.
    """
    for word in (name, user or name):
        if not _NAME.fullmatch(word):
            raise ServeError(f"'{word}' is no name for a key: use letters, digits, '.', '-', '_' and '@'")
    key = secrets.token_urlsafe(32)
    entry = ApiKey(name, digest_of(key), user=user, **limits)  # type: ignore[arg-type]
    with one_writer(path):
        known = read_keys(path) if path.exists() else []
        if any(key.name == name for key in known):
            raise ServeError(f"there is a key '{name}' already: choose another name, or remove that one first")
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        write_atomically(path, f"{text}{entry.line()}\n")
        path.chmod(0o600)
    return key


def remove_key(path: Path, name: str) -> None:
    """Remove the line of `name`; other lines stay as they are. Raises ServeError when there is none."""
    if not _remove(path, lambda key: key.name == name):
        names = [key.name for key in read_keys(path)]
        raise ServeError(f"{path} has no key of '{name}': it has {', '.join(names) or 'none'}")


def remove_keys_of(path: Path, user: str) -> list[str]:
    """Remove every key of a user; returns the keys' names. Raises ServeError for a file that cannot be read."""
    return _remove(path, lambda key: key.owner == user) if path.exists() else []


def _remove(path: Path, goes: Callable[[ApiKey], bool]) -> list[str]:
    """Remove the lines of some keys, in one step; returns their names."""
    read_keys(path)  # for a file that is not there no folder is made
    with one_writer(path):
        names = [key.name for key in read_keys(path) if goes(key)]
        if names:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            write_atomically(path, "".join(line for line in lines if line.strip().partition(":")[0] not in names))
            path.chmod(0o600)
    return names


def _read_some(path: Path) -> list[ApiKey]:
    keys = read_keys(path)
    if not keys:
        raise ServeError(f"the API keys file {path} holds no key: add one with graft keys add NAME")
    return keys


def _parse(path: Path, number: int, text: str) -> ApiKey:
    match = _LINE.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        limits = dict(pair.split("=", 1) for pair in match["limits"].split())
        per_minute, mib = limits.pop("requests_per_minute", None), limits.pop("max_body_mib", None)
        user = limits.pop("user", None)
        key = ApiKey(
            match["name"], match["digest"], int(per_minute) if per_minute else None, float(mib) if mib else None, user
        )
        if (
            limits
            or (key.requests_per_minute is not None and key.requests_per_minute < 1)
            or (key.max_body_mib is not None and not key.max_body_mib > 0)
        ):
            raise ValueError
    except ValueError:
        raise ServeError(f"{path}, line {number}: expected {_FORM}") from None
    return key
