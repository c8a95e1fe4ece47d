"""What is kept of a password: never the same twice, worth nothing but to the password itself."""

import pytest

from core import passwords
from core.errors import RequestError
from core.passwords import NOBODYS, check_new_password, draw_password, hash_password, is_kept_form, is_password


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    monkeypatch.setattr(passwords, "_COST", 4)


def test_only_the_password_fits():
    kept = hash_password("correct horse battery")
    assert "correct" not in kept
    assert is_password("correct horse battery", kept)
    for wrong in ("", "correct horse batter", "Correct horse battery", kept):
        assert not is_password(wrong, kept)


def test_the_same_password_is_kept_in_another_word_each_time():
    assert hash_password("correct horse battery") != hash_password("correct horse battery")


def test_the_same_letters_from_another_keyboard_are_the_same_password():
    assert is_password("pa\u0308sswort-lang", hash_password("p\u00e4sswort-lang"))


def test_a_dearer_word_stays_good(monkeypatch):
    kept = hash_password("correct horse battery")
    monkeypatch.setattr(passwords, "_COST", 5)
    assert is_password("correct horse battery", kept)


@pytest.mark.parametrize(
    "kept",
    ["", "scrypt", "scrypt$4$8$1$!!$!!", "scrypt$99$8$1$AAAA$AAAA", "scrypt$4$x$1$AAAA$AAAA", "md5$4$8$1$AAAA$AAAA"],
)
def test_a_damaged_word_lets_nobody_in(kept):
    assert not is_password("correct horse battery", kept)


def test_nobodys_password_is_nobodys():
    assert is_kept_form(NOBODYS)
    assert not is_password("", NOBODYS)


def test_as_it_comes_a_guess_is_dear():
    # OWASP's figures for scrypt: 2^15, 8, 3 is as dear as 2^17, 8, 1, in a quarter of the memory.
    assert NOBODYS.split("$")[:4] == ["scrypt", "15", "8", "3"]


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 201])
def test_poor_passwords_are_not_taken(password):
    with pytest.raises(RequestError, match="10 to 200 characters"):
        check_new_password(password)


def test_a_drawn_password_is_good_and_never_the_same():
    drawn = {draw_password() for _ in range(50)}
    assert len(drawn) == 50
    for password in drawn:
        check_new_password(password)
        assert not set(password) & set("01loi OI")
