"""The list of users: who may come in, by which password, in which role. One file, one line for each; keeps no password.

`name:role:id:password`, the last as core.passwords keeps it. The id is drawn once and is what all that a user leaves
behind stands under, so that another user of the same name later finds nothing of it. Knows no HTTP.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import UsersError
from core.files import write_atomically
from core.followed_file import FollowedFile, numbered_lines, one_writer
from core.passwords import NOBODYS, check_new_password, hash_password, is_kept_form, is_password
from core.roles import Role

_NAME = re.compile(r"[\w.@-]{1,64}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{32}")
_HEAD = "# Users of Graft, written by `graft users`: name, role, id, password (scrypt).\n"


@dataclass(frozen=True)
class User:
    """One line of the file. `password` is not the password but what is kept of it."""

    name: str
    role: Role
    id: str
    password: str

    def line(self) -> str:
        """The user as the file holds them."""
        return f"{self.name}:{self.role}:{self.id}:{self.password}"


class UserList:
    """The users of one file. Follows its changes: a user is added, changed or removed without a restart."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises UsersError when it is missing, empty, or has a line of another form."""
        self.path = path
        self._file = FollowedFile(path, _read_some, "nobody can log in")

    def named(self, name: str) -> User | None:
        """The user of a name, or None."""
        return next((user for user in self._file.entries() if user.name == name), None)

    def by_id(self, identity: str) -> User | None:
        """The user of an id, or None."""
        return next((user for user in self._file.entries() if user.id == identity), None)

    def check(self, name: str, password: str) -> User | None:
        """The user whose name and password these are, or None after the same time. Takes some tenths of a second."""
        user = self.named(name)
        right = is_password(password, NOBODYS if user is None else user.password)
        return user if right else None

    def all(self) -> Sequence[User]:
        """Every user, as the file lists them."""
        return tuple(self._file.entries())


def read_users(path: Path) -> list[User]:
    """The users of a file, in order. Raises UsersError when it cannot be read or has a line of another form."""
    try:
        lines = list(numbered_lines(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsersError(
            f"the list of users {path} cannot be read: graft users add NAME --role admin --file {path} writes it"
        ) from error
    users = [_parse(path, number, text) for number, text in lines]
    if len({user.name for user in users}) < len(users) or len({user.id for user in users}) < len(users):
        raise UsersError(f"{path} names somebody twice: remove one of the lines")
    return users


def add_user(path: Path, name: str, role: Role, password: str) -> User:
    """Add a user to the file, which is made if need be. Raises UsersError, RequestError for a poor password."""
    if not _NAME.fullmatch(name):
        raise UsersError(f"'{name[:80]}' is no name for a user: use up to 64 letters, digits, '.', '-', '_' and '@'")
    check_new_password(password)
    user = User(name, role, secrets.token_hex(16), hash_password(password))

    def add(users: list[User]) -> list[User]:
        if any(known.name == name for known in users):
            raise UsersError(f"there is a user '{name}' already: see graft users list")
        if not users and role is not Role.ADMIN:
            raise UsersError("the first user has to be an admin: add --role admin")
        return [*users, user]

    _change(path, add, new=True)
    return user


def remove_user(path: Path, name: str) -> User:
    """Remove a user; returns who it was. Raises UsersError where there is none, or the last admin would go."""
    user = _known(path, name)
    _change(path, lambda users: [one for one in users if one.name != name])
    return user


def set_role(path: Path, name: str, role: Role) -> None:
    """Give a user another role, from the next request on. Raises UsersError."""
    _known(path, name)
    _change(path, lambda users: [replace(one, role=role) if one.name == name else one for one in users])


def set_password(path: Path, name: str, password: str) -> None:
    """Give a user another password, which ends all their sessions. Raises UsersError, RequestError."""
    _known(path, name)
    check_new_password(password)
    kept = hash_password(password)
    _change(path, lambda users: [replace(one, password=kept) if one.name == name else one for one in users])


def _known(path: Path, name: str) -> User:
    users = read_users(path)
    found = next((user for user in users if user.name == name), None)
    if found is None:
        raise UsersError(f"{path} has no user '{name}': it has {', '.join(user.name for user in users) or 'none'}")
    return found


def _change(path: Path, change: Callable[[list[User]], list[User]], *, new: bool = False) -> None:
    """Rewrite the file with other users; comments of a person's own stay at its top."""
    with one_writer(path):
        fresh = new and not path.exists()
        text = _HEAD if fresh else path.read_text(encoding="utf-8")
        users = change([] if fresh else read_users(path))
        if not any(user.role is Role.ADMIN for user in users):
            raise UsersError("nobody would be an admin any more: give somebody else the role admin first")
        comments = "".join(f"{line}\n" for line in text.splitlines() if line.strip().startswith("#"))
        write_atomically(path, comments + "".join(f"{user.line()}\n" for user in users))
        path.chmod(0o600)


def _read_some(path: Path) -> list[User]:
    users = read_users(path)
    if not users:
        raise UsersError(f"the list of users {path} names nobody: graft users add NAME --role admin --file {path}")
    return users


def _parse(path: Path, number: int, text: str) -> User:
    parts = text.split(":")
    known = len(parts) == 4 and _NAME.fullmatch(parts[0]) and parts[1] in set(Role) and _ID.fullmatch(parts[2])
    if not known or not is_kept_form(parts[3]):
        raise UsersError(f"{path}, line {number}: expected name:role:id:password, as graft users add writes it")
    return User(parts[0], Role(parts[1]), parts[2], parts[3])
