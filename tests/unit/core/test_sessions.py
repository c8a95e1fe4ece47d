"""Sessions: carried by a signed cookie, ended by logging out, a new password, removal, or time."""

import hashlib
import hmac

import pytest

from core import passwords
from core.roles import Role
from core.sessions import COOKIE, LIFETIME_SECONDS, Sessions, cookie_header
from core.user_database import UserDatabase
from core.users import UserList, add_user, remove_user, set_password, set_role

WORD = "correct horse battery"


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def sessions(tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "_COST", 4)
    for name, role in (("ada", Role.ADMIN), ("bob", Role.CHAT)):
        add_user(tmp_path / "users.txt", name, role, WORD)
    return Sessions(UserList(tmp_path / "users.txt"), UserDatabase(tmp_path / "users.sqlite"), Clock())


def cookie(sessions, name="bob"):
    return f"other=1; {COOKIE}={sessions.begin(sessions.users.named(name))}"


def test_a_session_is_its_users(sessions):
    assert sessions.user_of(cookie(sessions)).name == "bob"
    assert sessions.user_of(cookie(sessions, "ada")).name == "ada"


def test_it_goes_on_after_a_restart(sessions, tmp_path):
    running = cookie(sessions)
    again = Sessions(UserList(tmp_path / "users.txt"), UserDatabase(tmp_path / "users.sqlite"), Clock())
    assert again.user_of(running).name == "bob"


def test_every_changed_character_ends_it(sessions):
    value = sessions.begin(sessions.users.named("bob"))
    for place in range(0, len(value), 7):
        other = "0" if value[place] != "0" else "1"
        assert sessions.user_of(f"{COOKIE}={value[:place]}{other}{value[place + 1 :]}") is None


def test_forgeries_are_nobodys(sessions):
    ada, bob = sessions.users.named("ada"), sessions.users.named("bob")
    identity, session, until, signature = sessions.begin(bob).split(".")
    plain = hmac.new(sessions._secret, ada.id.encode(), hashlib.sha256).hexdigest()
    unsigned = hmac.new(b"", f"session {ada.id} {session} {until} {ada.password}".encode(), hashlib.sha256).hexdigest()
    for forged in (
        f"{ada.id}.{session}.{until}.{signature}",
        f"{ada.id}.{session}.{until}.{plain}",
        f"{ada.id}.{session}.{until}.{unsigned}",
        f"{identity}.{session}.{int(until) + 1}.{signature}",
        f"{ada.id}.{plain}",
        "",
        "....",
    ):
        assert sessions.user_of(f"{COOKIE}={forged}") is None
    assert sessions.user_of("") is None
    assert sessions.user_of("graft_session=\x00; a=b") is None


def test_logging_out_ends_it_for_good(sessions, tmp_path):
    first, second = cookie(sessions), cookie(sessions)
    sessions.end(first)
    assert sessions.user_of(first) is None
    assert sessions.user_of(second).name == "bob"
    again = Sessions(UserList(tmp_path / "users.txt"), UserDatabase(tmp_path / "users.sqlite"), Clock())
    assert again.user_of(first) is None


def test_what_is_no_session_ends_nothing(sessions, tmp_path):
    running = cookie(sessions)
    sessions.end("")
    sessions.end(running.replace(running[-1], "x"))
    assert sessions.user_of(running).name == "bob"
    with UserDatabase(tmp_path / "users.sqlite").open() as connection:
        assert connection.execute("SELECT count(*) FROM meta WHERE key LIKE 'ended%'").fetchone() == (0,)


def test_a_new_password_ends_all_of_a_user(sessions):
    bobs, adas = cookie(sessions), cookie(sessions, "ada")
    set_password(sessions.users.path, "bob", "quite another word")
    assert sessions.user_of(bobs) is None
    assert sessions.user_of(adas).name == "ada"


def test_removal_ends_it_and_a_role_counts_at_once(sessions):
    bobs = cookie(sessions)
    set_role(sessions.users.path, "bob", Role.CURATE)
    assert sessions.user_of(bobs).role is Role.CURATE
    remove_user(sessions.users.path, "bob")
    add_user(sessions.users.path, "bob", Role.CHAT, WORD)
    assert sessions.user_of(bobs) is None


def test_time_ends_it_and_what_was_ended_is_forgotten_then(sessions, tmp_path):
    clock = sessions._clock
    running, ended = cookie(sessions), cookie(sessions)
    sessions.end(ended)
    clock.now += LIFETIME_SECONDS - 1
    assert sessions.user_of(running).name == "bob"
    clock.now += 2
    assert sessions.user_of(running) is None
    Sessions(sessions.users, UserDatabase(tmp_path / "users.sqlite"), clock)
    with UserDatabase(tmp_path / "users.sqlite").open() as connection:
        assert connection.execute("SELECT count(*) FROM meta WHERE key LIKE 'ended%'").fetchone() == (0,)


def test_the_cookie_is_kept_from_scripts_and_other_sites():
    plain = cookie_header("value", secure=False)
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    assert cookie_header("value", secure=True).endswith("; Secure")
    assert "Max-Age=0" in cookie_header("", secure=False)
