"""What the page needs to look after users and their API keys. Knows no stage: keys are the gateway's.

graft.user_desk does it, on the same files and by the same functions as `graft users` and `graft keys`. Who may ask for
what, the page knows (ui/users.py, ui/own_keys.py).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from core.roles import Role


class KeyRow(BaseModel):
    """An API key: what it is called, and its own limits, if it has any. Never the key."""

    model_config = ConfigDict(frozen=True)

    name: str
    requests_per_minute: int | None = None
    max_body_mib: float | None = None


class UserRow(BaseModel):
    """A user of the list. `last_trace`: when they last left something behind, as ISO text in UTC, as far as known."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    role: Role
    last_trace: str = ""
    keys: Sequence[KeyRow] = ()


class UserDesk(Protocol):
    """Users are named by their ids: a name may be somebody else's by the time that a button is pressed.

    Everything but `users` and `keys_trouble` raises UsersError where the user is gone.
    """

    def users(self) -> list[UserRow]:
        """Everybody, as the list has them. Raises GraftError when a file cannot be read."""
        ...

    def user(self, identity: str) -> UserRow:
        """One of them. Raises GraftError."""
        ...

    def left(self, identity: str) -> Mapping[str, int]:
        """How many conversations, ratings and votes are kept of a user, about all domains. Raises WorkspaceError."""
        ...

    def add(self, name: str, role: Role, password: str) -> UserRow:
        """Add a user. Raises UsersError, RequestError for a poor password."""
        ...

    def set_role(self, identity: str, role: Role) -> None:
        """Give another role, from the next request on. Raises UsersError where nobody would be an admin."""
        ...

    def set_password(self, identity: str, password: str) -> None:
        """Give another password, which ends all sessions. Raises UsersError, RequestError."""
        ...

    def remove(self, identity: str, *, with_data: bool) -> None:
        """Remove a user with their keys, and what they left behind if asked to. Raises GraftError."""
        ...

    def keys_trouble(self) -> str:
        """Why keys are of no use here, as a sentence; empty where they are."""
        ...

    def draw_key(self, identity: str, name: str) -> str:
        """Make a key that acts as the user, and return it: only now. Raises GraftError."""
        ...

    def revoke_key(self, identity: str, name: str) -> None:
        """Withdraw a key of the user. Raises UsersError where it is none of theirs."""
        ...
