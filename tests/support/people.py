"""Users for tests: a list with one of each role, hashed cheaply, and their sessions."""

from pathlib import Path

from core import passwords
from core.roles import Role
from core.sessions import COOKIE, Sessions
from core.user_database import UserDatabase
from core.users import UserList, add_user

WORD = "correct horse battery"
ROLES = {"ada": Role.ADMIN, "cleo": Role.CURATE, "bob": Role.CHAT, "ben": Role.CHAT}


def people(folder: Path) -> Sessions:
    """Ada may all, Cleo curates, Bob and Ben chat; each has the password WORD."""
    path, dear = folder / "users.txt", passwords._COST
    passwords._COST = 4
    try:
        for name, role in ROLES.items():
            add_user(path, name, role, WORD)
    finally:
        passwords._COST = dear
    return Sessions(UserList(path), UserDatabase(folder / "users.sqlite"))


def cookie_of(sessions: Sessions, name: str) -> dict[str, str]:
    """The header of a request of somebody who has logged in."""
    user = sessions.users.named(name)
    assert user is not None
    return {"cookie": f"{COOKIE}={sessions.begin(user)}"}
