"""The list of users on disk: who is in it, who may change it how, and what happens when it is damaged."""

import os

import pytest

from core import passwords
from core.errors import RequestError, UsersError
from core.roles import Role
from core.users import UserList, add_user, read_users, remove_user, set_password, set_role

WORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    monkeypatch.setattr(passwords, "_COST", 4)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "users.txt"
    add_user(path, "ada", Role.ADMIN, WORD)
    return path


def test_the_file_holds_no_password_and_is_its_owners(path):
    assert WORD not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    (user,) = read_users(path)
    assert (user.name, user.role, len(user.id)) == ("ada", Role.ADMIN, 32)


def test_name_and_password_have_to_fit(path):
    users = UserList(path)
    assert users.check("ada", WORD).name == "ada"
    assert users.check("ada", "correct horse") is None
    assert users.check("bob", WORD) is None


def test_changes_count_at_once(path):
    users = UserList(path)
    bob = add_user(path, "bob", Role.CHAT, "another long word")
    assert users.check("bob", "another long word") == bob
    set_role(path, "bob", Role.CURATE)
    assert users.named("bob").role is Role.CURATE
    set_password(path, "bob", "yet another word")
    assert users.check("bob", "another long word") is None
    remove_user(path, "bob")
    assert users.by_id(bob.id) is None


def test_a_new_user_of_an_old_name_is_somebody_else(path):
    first = add_user(path, "bob", Role.CHAT, WORD)
    remove_user(path, "bob")
    assert add_user(path, "bob", Role.CHAT, WORD).id != first.id


def test_somebody_stays_admin(path):
    add_user(path, "bob", Role.CHAT, WORD)
    for change in (lambda: remove_user(path, "ada"), lambda: set_role(path, "ada", Role.CHAT)):
        with pytest.raises(UsersError, match="nobody would be an admin"):
            change()
    assert [user.name for user in read_users(path)] == ["ada", "bob"]


def test_the_first_user_is_an_admin(tmp_path):
    with pytest.raises(UsersError, match="--role admin"):
        add_user(tmp_path / "users.txt", "ada", Role.CHAT, WORD)
    assert not (tmp_path / "users.txt").exists()


@pytest.mark.parametrize("name", ["", "a b", "a:b", "../x", "a\n", "é", "x" * 65])
def test_names_are_one_plain_word(path, name):
    with pytest.raises(UsersError, match="is no name"):
        add_user(path, name, Role.CHAT, WORD)


def test_names_are_taken_once_and_passwords_are_long(path):
    with pytest.raises(UsersError, match="already"):
        add_user(path, "ada", Role.CHAT, WORD)
    with pytest.raises(RequestError, match="10 to 200"):
        add_user(path, "bob", Role.CHAT, "short")
    with pytest.raises(UsersError, match="no user 'bob': it has ada"):
        set_password(path, "bob", WORD)


def test_comments_stay(path):
    path.write_text("# mine\n" + path.read_text())
    set_role(path, "ada", Role.ADMIN)
    assert path.read_text().startswith("# mine\n# Users of Graft")


@pytest.mark.parametrize(
    "line", ["ada", "ada:admin:1:x", "ada:king:{id}:{word}", "ada:admin:{id}:plain", "ada:admin:{id}:{word}:more"]
)
def test_a_damaged_line_is_named(path, line):
    user = read_users(path)[0]
    path.write_text(f"# one\n{line.format(id=user.id, word=user.password)}\n")
    with pytest.raises(UsersError, match="line 2"):
        read_users(path)


def test_nobody_twice(path):
    path.write_text(path.read_text() * 2)
    with pytest.raises(UsersError, match="twice"):
        read_users(path)


@pytest.mark.parametrize("content", [None, "", "# nobody\n", "rubbish\n"])
def test_without_a_list_nobody_gets_in(path, content):
    users = UserList(path)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
        os.utime(path, ns=(1, 1))
    assert users.named("ada") is None
    assert users.check("ada", WORD) is None
    with pytest.raises(UsersError):
        UserList(path)
