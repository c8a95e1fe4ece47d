"""The login page: who gets a session, what a wrong password is told, where the browser goes afterwards."""

from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core import passwords
from core.sessions import COOKIE
from tests.support.people import WORD, people
from ui.login import login_routes, own_path

FORM = {"name": "bob", "password": WORD}


@pytest.fixture
def sessions(tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "_COST", 4)
    return people(tmp_path)


@pytest.fixture
def client(sessions):
    app = FastAPI()
    app.include_router(login_routes(sessions, "Garden <centre>"))
    return TestClient(app, follow_redirects=False)


def who(sessions, client):
    user = sessions.user_of(f"{COOKIE}={client.cookies.get(COOKIE, '')}")
    return user and user.name


def test_the_page_is_a_form_without_scripts(client):
    page = client.get("/login?next=/documents/a%3Fb=1")
    assert page.status_code == 200
    assert "Garden &lt;centre&gt;" in page.text
    assert 'name="next" value="/documents/a?b=1"' in page.text
    assert "<script" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_name_and_password_begin_a_session(sessions, client):
    answer = client.post("/login", data={**FORM, "next": "/documents/a"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/documents/a")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert who(sessions, client) == "bob"
    assert client.get("/login").headers["location"] == "/"


@pytest.mark.parametrize("form", [{**FORM, "password": "wrong"}, {**FORM, "name": "nobody"}, {}, {"name": "bob"}])
def test_a_wrong_one_is_told_so_and_not_which(sessions, client, form):
    answer = client.post("/login", data=form)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers
    assert WORD not in answer.text


def test_what_was_typed_brings_no_markup(client):
    answer = client.post("/login", data={"name": '"><b>', "password": "x", "next": "/<i>"})
    assert "<b>" not in answer.text
    assert "<i>" not in answer.text


def test_guessing_is_slowed_down(client):
    for _ in range(5):
        assert client.post("/login", data={**FORM, "password": "wrong"}).status_code == 401
    answer = client.post("/login", data=FORM)  # the right one, too
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert "Too many attempts. Try again in" in answer.text


def test_forms_have_a_size(client):
    assert client.post("/login", data={**FORM, "next": "x" * 20_000}).status_code == 401


def test_logging_out_ends_the_session(sessions, client):
    client.post("/login", data=FORM)
    value = client.cookies[COOKIE]
    assert client.get("/logout").status_code == 405  # a link of somebody else's must not do it
    answer = client.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert sessions.user_of(f"{COOKIE}={value}") is None
    assert client.post("/logout").status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "", "x", "/login", "/a\nb", "/\u202e"],
)
def test_a_link_to_the_login_leads_nowhere_else(client, wanted):
    assert own_path(wanted) == "/"
    assert client.post("/login", data={**FORM, "next": wanted}).headers["location"] == "/"
    assert "elsewhere" not in client.get(f"/login?next={quote(wanted)}").text.replace("value", "")


NEW = {"password": WORD, "new": "quite another word", "again": "quite another word"}


def test_a_password_is_changed_by_whoever_knows_it(sessions, client):
    assert client.get("/account/password").headers["location"] == "/login"
    assert client.post("/account/password", data=NEW).headers["location"] == "/login"
    client.post("/login", data=FORM)
    elsewhere = f"{COOKIE}={client.cookies[COOKIE]}"
    assert "Change your password" in client.get("/account/password").text
    assert client.post("/account/password", data=NEW).headers["location"] == "/"
    assert who(sessions, client) == "bob"
    assert sessions.user_of(elsewhere) is None
    assert sessions.users.check("bob", NEW["new"]).name == "bob"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"password": "wrong"}, "The password so far is wrong."),
        ({"again": "something else"}, "not typed the same way twice"),
        ({"new": "short", "again": "short"}, "10 to 200 characters"),
    ],
)
def test_what_is_wrong_with_a_new_password_is_said(sessions, client, change, problem):
    client.post("/login", data=FORM)
    answer = client.post("/account/password", data={**NEW, **change})
    assert answer.status_code == 400
    assert problem in answer.text
    assert sessions.users.check("bob", WORD).name == "bob"
