"""`graft users` and whose keys are whose, by the command line."""

import io
import json

import pytest

from core import passwords
from core.roles import Role
from core.users import UserList, read_users
from graft.cli import main
from serve.api_keys import KeyRing
from tests.support.people import WORD


@pytest.fixture
def graft(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(passwords, "_COST", 4)
    monkeypatch.setenv("GRAFT_WORKSPACE", str(tmp_path))

    def graft(*arguments, password=WORD):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return graft


def add(graft, name, *options):
    return graft("users", "add", name, "--password-stdin", *options)


def test_users_from_first_to_last(graft, tmp_path):
    path = tmp_path / "users.txt"
    code, _, said = add(graft, "ada", "--role", "admin")
    assert (code, "GRAFT_AUTH_FILE=" in said) == (0, True)
    assert add(graft, "bob")[0] == 0
    assert UserList(path).check("bob", WORD).role is Role.CHAT
    assert graft("users", "role", "bob", "curate")[0] == 0
    assert graft("users", "password", "bob", "--password-stdin", password="quite another word")[0] == 0
    bob = UserList(path).check("bob", "quite another word")
    assert bob.role is Role.CURATE
    found = json.loads(graft("users", "list", "--json")[1])["users"]
    assert found[1] == {"name": "bob", "role": "curate", "id": bob.id, "keys": []}
    assert graft("users", "remove", "bob", "--delete-data")[0] == 0
    assert [user.name for user in read_users(path)] == ["ada"]


def test_mistakes_are_one_line(graft):
    assert add(graft, "bob") == (1, "", "graft: the first user has to be an admin: add --role admin\n")
    add(graft, "ada", "--role", "admin")
    code, _, said = graft("users", "remove", "ada")
    assert (code, said) == (1, "graft: nobody would be an admin any more: give somebody else the role admin first\n")
    assert "10 to 200 characters" in graft("users", "add", "bob", "--password-stdin", password="short")[2]
    assert graft("users", "role", "ada", "king")[0] == 2


def test_a_key_is_somebodys_and_goes_with_them(graft, tmp_path, monkeypatch):
    add(graft, "ada", "--role", "admin")
    add(graft, "bob")
    monkeypatch.setenv("GRAFT_AUTH_FILE", str(tmp_path / "users.txt"))
    code, _, said = graft("keys", "add", "laptop")
    assert (code, "there is no user 'laptop'" in said) == (1, True)
    key = graft("keys", "add", "laptop", "--user", "bob")[1].strip()
    assert KeyRing(tmp_path / "keys.txt").find(key).owner == "bob"
    assert "bob  chat  keys: laptop" in graft("users", "list")[1]
    assert graft("keys", "list")[1] == "laptop  of bob\n"
    assert "with the keys laptop" in graft("users", "remove", "bob")[2]
    assert "laptop" not in (tmp_path / "keys.txt").read_text()
    # A new user of the old name finds no key of the old one.
    assert "keys that act" not in add(graft, "bob")[2]
