"""Users and keys as the page changes them: the same files as by the commands, by ids, within limits."""

import pytest

from core import passwords
from core.arms import parse_arm
from core.chat import Question
from core.conversations import ConversationStore
from core.errors import RequestError, ServeError, UsersError
from core.roles import Role
from core.settings import ServeSettings, Settings
from core.turns import Turn
from core.user_database import UserDatabase
from core.users import add_user, read_users, remove_user
from core.workspace import Workspace
from graft import user_desk
from graft.user_desk import MOST_KEYS, LocalUserDesk
from serve.api_keys import KeyRing, add_key, read_keys
from tests.support.people import WORD, people


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "_COST", 4)
    people(tmp_path)
    return tmp_path


@pytest.fixture
def keys(folder):
    return folder / "keys.txt"


@pytest.fixture
def desk(folder, keys):
    settings = Settings(workspace=folder, serve=ServeSettings(api_keys_file=keys))
    return LocalUserDesk(folder / "users.txt", settings, Workspace.open(folder))


def identity(desk, name):
    return next(row.id for row in desk.users() if row.name == name)


def conversation(folder, user):
    turn = Turn(question=Question(text="When do I prune?", arm=parse_arm("rag")), text="In February.")
    return ConversationStore(UserDatabase(Workspace(folder).users), "garden").create(user, [turn])


def test_the_list_tells_roles_keys_and_who_was_here(desk, folder, keys):
    add_key(keys, "laptop", user="bob", requests_per_minute=3)
    add_key(keys, "ben")
    conversation(folder, identity(desk, "bob"))
    rows = {row.name: row for row in desk.users()}
    assert [(name, row.role) for name, row in rows.items()] == [
        ("ada", Role.ADMIN),
        ("cleo", Role.CURATE),
        ("bob", Role.CHAT),
        ("ben", Role.CHAT),
    ]
    assert [(key.name, key.requests_per_minute) for key in rows["bob"].keys] == [("laptop", 3)]
    assert [key.name for key in rows["ben"].keys] == ["ben"]
    assert (rows["bob"].last_trace[:2], rows["ben"].last_trace) == ("20", "")


def test_users_are_added_and_changed_as_by_the_commands(desk, folder):
    zoe = desk.add("zoe", Role.CHAT, WORD)
    desk.set_role(zoe.id, Role.CURATE)
    desk.set_password(zoe.id, "quite another word")
    kept = next(user for user in read_users(folder / "users.txt") if user.name == "zoe")
    assert (kept.id, kept.role) == (zoe.id, Role.CURATE)
    assert passwords.is_password("quite another word", kept.password)
    with pytest.raises(UsersError, match="already"):
        desk.add("zoe", Role.CHAT, WORD)
    with pytest.raises(RequestError, match="10 to 200"):
        desk.set_password(zoe.id, "short")


def test_the_last_admin_stays(desk):
    ada = identity(desk, "ada")
    for change in (lambda: desk.set_role(ada, Role.CHAT), lambda: desk.remove(ada, with_data=True)):
        with pytest.raises(UsersError, match="nobody would be an admin any more"):
            change()
    assert desk.user(ada).role is Role.ADMIN


@pytest.mark.parametrize("with_data", [False, True])
def test_a_removal_takes_keys_and_what_was_asked_for(desk, folder, keys, with_data):
    bob = identity(desk, "bob")
    add_key(keys, "laptop", user="bob")
    conversation(folder, bob)
    files = Workspace(folder).chat_files("garden") / user_desk_home(bob)
    files.mkdir(parents=True)
    assert desk.left(bob) == {"conversations": 1, "ratings": 0, "votes": 0}
    desk.remove(bob, with_data=with_data)
    assert read_keys(keys) == []
    left = ConversationStore(UserDatabase(Workspace(folder).users), "garden").find(bob)
    assert (len(left), files.exists()) == ((0, False) if with_data else (1, True))


def user_desk_home(user):
    from graft.chat_files import _home_name

    return _home_name(user)


def test_who_is_gone_is_not_taken_for_the_next_of_that_name(desk, folder):
    bob = identity(desk, "bob")
    remove_user(folder / "users.txt", "bob")
    add_user(folder / "users.txt", "bob", Role.CHAT, WORD)
    before = (folder / "users.txt").read_text()
    changes = (
        lambda: desk.user(bob),
        lambda: desk.left(bob),
        lambda: desk.set_role(bob, Role.ADMIN),
        lambda: desk.set_password(bob, WORD),
        lambda: desk.remove(bob, with_data=True),
        lambda: desk.draw_key(bob, "laptop"),
        lambda: desk.revoke_key(bob, "laptop"),
    )
    for change in changes:
        with pytest.raises(UsersError, match="no longer there"):
            change()
    assert (folder / "users.txt").read_text() == before


def test_a_key_is_its_users_and_shown_once(desk, keys):
    bob = identity(desk, "bob")
    key = desk.draw_key(bob, "laptop")
    found = KeyRing(keys).find(key)
    assert found is not None
    assert found.owner == "bob"
    assert key not in keys.read_text()
    assert key not in repr(desk.users())
    desk.revoke_key(bob, "laptop")
    assert KeyRing(keys, may_be_empty=True).find(key) is None


def test_nobody_revokes_a_key_of_others(desk, keys):
    add_key(keys, "phone", user="ben")
    with pytest.raises(UsersError, match="'bob' has no key 'phone'"):
        desk.revoke_key(identity(desk, "bob"), "phone")
    assert [key.name for key in read_keys(keys)] == ["phone"]


def test_names_of_keys_are_short_and_free(desk, keys):
    bob = identity(desk, "bob")
    add_key(keys, "phone", user="ben")
    with pytest.raises(ServeError, match="there is a key 'phone' already"):
        desk.draw_key(bob, "phone")
    with pytest.raises(UsersError, match="64 characters at most"):
        desk.draw_key(bob, "x" * 65)
    for name in ("", "a b", "x\ny", "a:b"):
        with pytest.raises(ServeError, match="no name for a key"):
            desk.draw_key(bob, name)


def test_a_user_has_so_many_keys(desk):
    bob = identity(desk, "bob")
    for number in range(MOST_KEYS):
        desk.draw_key(bob, f"key{number}")
    with pytest.raises(UsersError, match=f"{MOST_KEYS} keys at most"):
        desk.draw_key(bob, "another")
    assert desk.draw_key(identity(desk, "ben"), "another")


def test_a_key_of_somebody_who_is_removed_meanwhile_does_not_stay(desk, folder, keys, monkeypatch):
    bob, draw = identity(desk, "bob"), user_desk.add_key

    def slow(*arguments, **options):
        key = draw(*arguments, **options)
        remove_user(folder / "users.txt", "bob")
        return key

    monkeypatch.setattr(user_desk, "add_key", slow)
    with pytest.raises(UsersError, match="no longer there"):
        desk.draw_key(bob, "laptop")
    assert read_keys(keys) == []


def test_without_a_file_of_keys_that_counts_none_are_made(folder):
    desk = LocalUserDesk(folder / "users.txt", Settings(workspace=folder), Workspace.open(folder))
    assert f"GRAFT_SERVE__API_KEYS_FILE={folder / 'keys.txt'}" in desk.keys_trouble()
    with pytest.raises(UsersError, match="not asked for here"):
        desk.draw_key(identity(desk, "bob"), "laptop")
    # Those of the commands are shown, and can be withdrawn.
    add_key(folder / "keys.txt", "laptop", user="bob")
    assert [key.name for key in desk.user(identity(desk, "bob")).keys] == ["laptop"]
    desk.revoke_key(identity(desk, "bob"), "laptop")
