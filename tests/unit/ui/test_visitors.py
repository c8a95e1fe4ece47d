"""Who a request is from: a signed cookie, given once, and never taken from another server or another user."""

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import HTMLResponse

from core.roles import Right
from ui.visitors import COOKIE, Visitors, allows, role_of, signed, user_of, verified

SECRET = b"s" * 32
PAGE = {"Accept": "text/html"}


@pytest.fixture
def client():
    app = FastAPI()

    @app.get("/")
    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(f"<p>{user_of(request)}</p>")

    @app.get("/data")
    def data(request: Request) -> dict[str, str | None]:
        return {"user": user_of(request)}

    app.add_middleware(Visitors, secret=SECRET)
    return TestClient(app)


def test_a_browser_gets_one_user_and_keeps_it(client):
    first = client.get("/", headers=PAGE)
    header = first.headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" not in header
    user = client.get("/data").json()["user"]
    assert user in first.text
    assert user in client.get("/", headers=PAGE).text


def test_two_browsers_are_two_users(client):
    client.get("/", headers=PAGE)
    first = client.get("/data").json()["user"]
    client.cookies.clear()
    client.get("/", headers=PAGE)
    assert client.get("/data").json()["user"] not in {None, first}


def test_only_pages_give_out_users(client):
    assert client.get("/data").json() == {"user": None}
    assert "set-cookie" not in client.get("/data").headers
    assert "set-cookie" not in client.get("/data", headers=PAGE).headers


def test_a_cookie_over_https_stays_there():
    app = FastAPI()
    app.add_middleware(Visitors, secret=SECRET)

    @app.get("/")
    def page() -> HTMLResponse:
        return HTMLResponse("")

    answer = TestClient(app, base_url="https://testserver").get("/", headers=PAGE)
    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("value", ["", "a" * 32, f"{'a' * 32}.{'0' * 64}", signed("a" * 32, b"other"), "x.y", '"'])
def test_forged_cookies_name_nobody(client, value):
    assert verified(value, SECRET) is None
    client.cookies.set(COOKIE, value)
    assert client.get("/data").json() == {"user": None}


def test_a_user_that_a_login_named_is_left_alone():
    app = FastAPI()

    @app.get("/")
    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(str(user_of(request)))

    app.add_middleware(Visitors, secret=SECRET)

    async def login(scope, receive, send):
        scope.setdefault("state", {})["user"] = "ann"
        await app(scope, receive, send)

    answer = TestClient(login).get("/", headers=PAGE)
    assert answer.text == "ann"
    assert "set-cookie" not in answer.headers


def test_where_nobody_is_asked_everybody_may_all(client):
    app = client.app

    @app.get("/role")
    def role(request: Request) -> dict[str, str | None]:
        return {"role": role_of(request), "allowed": str(allows(request, Right.USERS))}

    assert client.get("/role").json() == {"role": "admin", "allowed": "True"}


def test_nothing_known_allows_nothing():
    assert role_of(Request({"type": "http"})) is None
    assert not allows(Request({"type": "http"}), Right.CHAT)
