"""Who gets in where there is a list of users: by login or by a key of one of them, as that user and nobody else."""

import asyncio
import json
import logging

import httpx
import pytest
from fastapi import FastAPI, Request

from core.roles import Role
from core.sessions import COOKIE
from core.settings import ServeSettings
from core.users import remove_user, set_role
from serve.access import AccessMiddleware, check_bind
from serve.api_keys import add_key, read_keys, remove_keys_of
from serve.gateway import create_app
from tests.support.people import cookie_of, people
from tests.support.scripted_service import ScriptedService

PAGE = {"accept": "text/html,*/*"}


@pytest.fixture
def sessions(tmp_path):
    return people(tmp_path)


@pytest.fixture
def settings(tmp_path):
    return ServeSettings(api_keys_file=tmp_path / "keys.txt")


@pytest.fixture
def key(settings):
    return add_key(settings.api_keys_file, "laptop", user="bob")


def site(settings, sessions, *, page=True) -> FastAPI:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def who(request: Request) -> dict[str, str | None]:
        state = request.state
        return {"user": state.user, "role": state.role, "name": state.name, "key": state.key}

    app.add_middleware(AccessMiddleware, settings=settings, users=sessions.users, sessions=sessions if page else None)
    return app


def fetch(app, path="/", method="GET", **options) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860") as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def test_a_session_is_its_user_everywhere(sessions, key, settings):
    app = site(settings, sessions)
    bob = sessions.users.named("bob")
    for path in ("/", "/documents/garden/a.md", "/gradio_api/queue/join", "/v1/models", "/metrics"):
        found = fetch(app, path, headers=cookie_of(sessions, "bob")).json()
        assert found == {"user": bob.id, "role": "chat", "name": "bob", "key": ""}


def test_a_key_is_its_users(sessions, key, settings):
    app, bob = site(settings, sessions), sessions.users.named("bob")
    asked = {"authorization": f"Bearer {key}"}
    assert fetch(app, "/v1/models", headers=asked).json()["user"] == bob.id
    both = {**asked, **cookie_of(sessions, "ada")}
    assert fetch(app, "/v1/models", headers=both).json()["name"] == "bob"
    set_role(sessions.users.path, "bob", Role.CURATE)
    assert fetch(app, "/v1/models", headers=asked).json()["role"] == "curate"


def test_a_key_without_a_user_of_its_own_is_its_namesakes(sessions, settings):
    own = add_key(settings.api_keys_file, "ben")
    assert fetch(site(settings, sessions), headers={"authorization": f"Bearer {own}"}).json()["name"] == "ben"


def test_a_key_of_nobody_opens_nothing(sessions, key, settings):
    stray = add_key(settings.api_keys_file, "stray", user="zoe")
    app = site(settings, sessions)
    assert fetch(app, "/v1/models", headers={"authorization": f"Bearer {stray}"}).status_code == 401
    remove_user(sessions.users.path, "bob")
    assert fetch(app, "/v1/models", headers={"authorization": f"Bearer {key}"}).status_code == 401


def test_keys_go_with_their_user(sessions, key, settings):
    add_key(settings.api_keys_file, "ada")
    assert remove_keys_of(settings.api_keys_file, "bob") == ["laptop"]
    assert [one.name for one in read_keys(settings.api_keys_file)] == ["ada"]


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/queue/data", "/mine/everything.json", "/v1/models"])
@pytest.mark.parametrize("cookie", [None, "", "rubbish", "a" * 32 + "." + "b" * 64])
def test_nobody_gets_in_without(sessions, key, settings, path, cookie):
    headers = {} if cookie is None else {"cookie": f"{COOKIE}={cookie}; graft_user={cookie}"}
    refused = fetch(site(settings, sessions), path, headers=headers)
    assert refused.status_code == 401
    # A browser would open its own dialogue for names and passwords.
    assert "Basic" not in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/", "/login"), ("/documents/a/b.md?from=1&to=2", "/login?next=%2Fdocuments%2Fa%2Fb.md%3Ffrom%3D1%26to%3D2")],
)
def test_whoever_opens_a_page_is_led_to_the_login(sessions, key, settings, path, wanted):
    led = fetch(site(settings, sessions), path, headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, wanted)


def test_only_the_login_and_what_it_needs_stand_open(sessions, key, settings):
    app = site(settings, sessions)
    for path in ("/login", "/logout", "/page-assets/login.css", "/favicon.ico", "/health", "/ready"):
        assert fetch(app, path).json() == {"user": "", "role": None, "name": "", "key": ""}
    for path in ("/login/", "/loginx", "/page-assets", "/account/password", "/metrics"):
        assert fetch(app, path).status_code == 401


def test_without_the_page_there_is_no_login(sessions, key, settings):
    app = site(settings, sessions, page=False)
    assert fetch(app, "/login", headers=PAGE).status_code == 401
    assert fetch(app, headers=cookie_of(sessions, "ada")).status_code == 401
    assert fetch(app, headers={"authorization": f"Bearer {key}"}).status_code == 200


def test_what_stands_further_out_has_no_say(sessions, key, settings):
    app = site(settings, sessions)

    async def claiming(scope, receive, send):
        scope["state"] = {"user": sessions.users.named("ada").id, "role": Role.ADMIN}
        await app(scope, receive, send)

    assert fetch(claiming, "/login").json() == {"user": "", "role": None, "name": "", "key": ""}
    assert fetch(claiming, "/").status_code == 401


def test_foreign_pages_get_nowhere_with_a_session(sessions, key, settings):
    headers = {**cookie_of(sessions, "bob"), "origin": "https://elsewhere.example"}
    assert fetch(site(settings, sessions), "/logout", "POST", headers=headers).status_code == 403


def test_logins_share_a_limit_by_user(sessions, tmp_path):
    app = site(ServeSettings(requests_per_minute=1), sessions)

    def ask(name):
        return fetch(app, "/v1/chat/completions", "POST", headers=cookie_of(sessions, name)).status_code

    assert [ask("bob"), ask("bob"), ask("ben")] == [200, 429, 200]


def test_keys_without_limits_of_their_own_share_their_users(sessions, settings):
    first, second = (add_key(settings.api_keys_file, name, user="bob") for name in ("one", "two"))
    own = add_key(settings.api_keys_file, "three", user="bob", requests_per_minute=2)
    app = site(settings.model_copy(update={"requests_per_minute": 1}), sessions)

    def ask(key):
        return fetch(app, "/v1/models", "POST", headers={"authorization": f"Bearer {key}"}).status_code

    assert [ask(first), ask(second)] == [200, 429]
    assert [ask(own), ask(own), ask(own)] == [200, 200, 429]


def test_the_state_says_whether_a_key_was_shown(sessions, key, settings):
    app = site(settings, sessions)
    assert fetch(app, headers={"authorization": f"Bearer {key}"}).json()["key"] == "laptop"
    assert fetch(app, headers=cookie_of(sessions, "bob")).json()["key"] == ""


def test_a_file_without_keys_is_no_obstacle_where_people_log_in(sessions, settings):
    settings.api_keys_file.touch()
    check_bind(settings, sessions.users)
    assert fetch(site(settings, sessions), headers=cookie_of(sessions, "ada")).status_code == 200


def test_a_list_of_users_allows_any_bind(sessions):
    check_bind(ServeSettings(host="0.0.0.0"), sessions.users)


def test_the_log_says_whose_request_it_was(sessions, key, settings, caplog):
    app = create_app([ScriptedService("Prune quince in February [1].")], settings, users=sessions.users)
    body = {"model": "garden", "messages": [{"role": "user", "content": "When do I prune quince?"}]}
    with caplog.at_level(logging.INFO, "graft.requests"):
        answered = fetch(app, "/v1/chat/completions", "POST", json=body, headers={"authorization": f"Bearer {key}"})
    assert answered.status_code == 200
    (line,) = (json.loads(record.message) for record in caplog.records if record.name == "graft.requests")
    assert (line["key"], line["user"]) == ("laptop", "bob")
