"""Users and their API keys, for the page: the files of `graft users` and `graft keys`. Implements core.user_desk."""

from collections.abc import Mapping
from pathlib import Path

from core.errors import UsersError
from core.roles import Role
from core.settings import Settings
from core.user_data import count_user, delete_user, last_traces
from core.user_database import UserDatabase
from core.user_desk import KeyRow, UserRow
from core.users import User, add_user, read_users, remove_user, set_password, set_role
from core.workspace import Workspace
from serve.api_keys import ApiKey, add_key, read_keys, remove_key, remove_keys_of

# Each request is compared with every key.
MOST_KEYS = 20
_LONGEST_NAME = 64


def keys_file(settings: Settings) -> Path:
    """The file of API keys: the one that is set, else the workspace's own."""
    return (settings.serve.api_keys_file or settings.workspace / "keys.txt").expanduser().absolute()


def forget_user(workspace: Workspace, identity: str) -> None:
    """Delete all that a user left behind, about whatever domain: conversations, files, ratings and votes."""
    from graft.chat_files import forget_files  # with the service, which takes its time

    delete_user(UserDatabase(workspace.users), identity)
    forget_files(workspace, identity)


class LocalUserDesk:
    """The users of `users`, the list that this process follows."""

    def __init__(self, users: Path, settings: Settings, workspace: Workspace) -> None:
        self._users, self._keys, self._workspace = users, keys_file(settings), workspace
        self._keys_count = settings.serve.api_keys_file is not None

    def users(self) -> list[UserRow]:
        """Everybody, as the list has them."""
        keys, traces = self._read_keys(), last_traces(UserDatabase(self._workspace.users))
        return [_row(user, keys, traces) for user in read_users(self._users)]

    def user(self, identity: str) -> UserRow:
        """One of them."""
        return _row(self._known(identity), self._read_keys(), {})

    def left(self, identity: str) -> Mapping[str, int]:
        """How many conversations, ratings and votes are kept of a user."""
        return count_user(UserDatabase(self._workspace.users), self._known(identity).id)

    def add(self, name: str, role: Role, password: str) -> UserRow:
        """Add a user."""
        return _row(add_user(self._users, name, role, password), self._read_keys(), {})

    def set_role(self, identity: str, role: Role) -> None:
        """Give a user another role."""
        set_role(self._users, self._known(identity).name, role)

    def set_password(self, identity: str, password: str) -> None:
        """Give a user another password."""
        set_password(self._users, self._known(identity).name, password)

    def remove(self, identity: str, *, with_data: bool) -> None:
        """Remove a user with their keys."""
        gone = remove_user(self._users, self._known(identity).name)
        remove_keys_of(self._keys, gone.name)
        if with_data:
            forget_user(self._workspace, gone.id)

    def keys_trouble(self) -> str:
        """Why keys are of no use here."""
        if self._keys_count:
            return ""
        return f"API keys are not asked for here: set GRAFT_SERVE__API_KEYS_FILE={self._keys} and start Graft anew"

    def draw_key(self, identity: str, name: str) -> str:
        """Make a key that acts as the user."""
        user = self._known(identity)
        if self.keys_trouble():
            raise UsersError(self.keys_trouble())
        if len(name) > _LONGEST_NAME:
            raise UsersError(f"the name of a key has {_LONGEST_NAME} characters at most: choose a shorter one")
        if sum(key.owner == user.name for key in self._read_keys()) >= MOST_KEYS:
            raise UsersError(f"a user has {MOST_KEYS} keys at most: revoke one that is no longer needed")
        key = add_key(self._keys, name, user=user.name)
        try:
            self._known(identity)
        except UsersError:
            # Removed meanwhile, with the keys there were: the next user of that name must not find this one.
            remove_keys_of(self._keys, user.name)
            raise
        return key

    def revoke_key(self, identity: str, name: str) -> None:
        """Withdraw a key of the user."""
        user = self._known(identity)
        if not any(key.name == name and key.owner == user.name for key in self._read_keys()):
            raise UsersError(f"'{user.name}' has no key '{name}': look at the list again")
        remove_key(self._keys, name)

    def _known(self, identity: str) -> User:
        found = next((user for user in read_users(self._users) if user.id == identity), None)
        if found is None:
            raise UsersError("this user is no longer there: look at the list again")
        return found

    def _read_keys(self) -> list[ApiKey]:
        return read_keys(self._keys) if self._keys.exists() else []


def _row(user: User, keys: list[ApiKey], traces: Mapping[str, str]) -> UserRow:
    held = [
        KeyRow(name=key.name, requests_per_minute=key.requests_per_minute, max_body_mib=key.max_body_mib)
        for key in keys
        if key.owner == user.name
    ]
    return UserRow(id=user.id, name=user.name, role=user.role, last_trace=traces.get(user.id, ""), keys=held)
