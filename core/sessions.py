"""Who is logged in: sessions that a signed cookie carries. Knows no HTTP beyond the cookie's text.

The signature covers what is kept of the password, so a new password ends every session of its user, as their removal
does; the role is read anew each time. A session that was logged out is remembered until it would have ended anyway.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

from core.cookies import cookie
from core.user_database import UserDatabase
from core.users import User, UserList

COOKIE = "graft_session"
LOGIN_PATH, LOGOUT_PATH = "/login", "/logout"
LIFETIME_SECONDS = 14 * 24 * 3600
_VALUE = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})\.([0-9]{1,12})\.([0-9a-f]{64})")
_ENDED = "ended-session:"


class Sessions:
    """Sessions of the users of one list, signed with the key of the workspace. `clock` gives Unix seconds."""

    def __init__(self, users: UserList, database: UserDatabase, clock: Callable[[], float] = time.time) -> None:
        self.users, self._database, self._clock = users, database, clock
        self._secret = database.secret()
        self._ended = self._read_ended()

    def begin(self, user: User) -> str:
        """The value of the cookie of a new session."""
        session, until = secrets.token_hex(16), int(self._clock()) + LIFETIME_SECONDS
        return f"{user.id}.{session}.{until}.{self._signature(user, session, until)}"

    def user_of(self, cookies: str) -> User | None:
        """The user whose running session a Cookie header carries, or None."""
        match = _VALUE.fullmatch(cookie(cookies, COOKIE))
        if match is None:
            return None
        identity, session, until, signature = match.groups()
        user = self.users.by_id(identity)
        if user is None or int(until) < self._clock() or session in self._ended:
            return None
        right = hmac.compare_digest(signature, self._signature(user, session, int(until)))
        return user if right else None

    def end(self, cookies: str) -> None:
        """End the session that a Cookie header carries, for good: a copy of the cookie is worth nothing after this."""
        match = _VALUE.fullmatch(cookie(cookies, COOKIE))
        if match is None or self.user_of(cookies) is None:
            return
        session, until = match.group(2), match.group(3)
        with self._database.open() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (_ENDED + session, until))
        self._ended.add(session)

    def _signature(self, user: User, session: str, until: int) -> str:
        # A visitor's cookie signs its id alone with the same key; these words keep the two apart.
        text = f"session {user.id} {session} {until} {user.password}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def _read_ended(self) -> set[str]:
        with self._database.open() as connection:
            found = connection.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{_ENDED}%",)).fetchall()
            over = [(key,) for key, until in found if int(until) < self._clock()]
            connection.executemany("DELETE FROM meta WHERE key = ?", over)
        return {key.removeprefix(_ENDED) for key, _ in found}


def cookie_header(value: str, *, secure: bool) -> str:
    """The Set-Cookie header of a session; with an empty value, the one that takes it away."""
    age = LIFETIME_SECONDS if value else 0
    return f"{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
