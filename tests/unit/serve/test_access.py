"""Who gets in: Host, Origin, body size, keys, for every path and for websockets."""

import asyncio
import base64
import hashlib
import json
import logging

import httpx
import pytest
from fastapi import FastAPI, Request, WebSocket

from core.errors import ServeError
from core.settings import ServeSettings
from serve.access import AccessMiddleware, check_bind, is_loopback
from serve.api_keys import KeyRing
from serve.gateway import create_app
from tests.support.scripted_service import ScriptedService


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def keys_file(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# people\nalice:{digest('wonder')}\n\nbob:{digest('build')}\n")
    return path


def site(settings: ServeSettings) -> FastAPI:
    """An application with one route of each kind, and another mounted at the root as the page is."""
    app, page = FastAPI(), FastAPI()

    @page.api_route("/", methods=["GET", "POST"])
    async def root(request: Request) -> dict[str, int]:
        return {"read": len(await request.body())}

    @page.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    @app.get("/v1/models")
    def models() -> dict[str, str]:
        return {}

    @app.get("/health")
    def health() -> dict[str, str]:
        return {}

    app.add_middleware(AccessMiddleware, settings=settings)
    app.mount("/", page)
    return app


def fetch(path="/", settings: ServeSettings | None = None, server="127.0.0.1:7860", method="GET", **options):
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(site(settings or ServeSettings()))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{server}") as client:
            return await client.request(method, path, **options)

    return asyncio.run(go())


def basic(name: str, key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()}


# --- Host and Origin ---


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LocalHost", "[::1]:7860", "127.0.0.2"])
@pytest.mark.parametrize("path", ["/", "/v1/models", "/health"])
def test_loopback_names_are_served(path, host):
    assert fetch(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.7", "0.0.0.0",
     "localhost@evil.example", "localhost:x", "", "[::1"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/v1/models", "/health"])
def test_foreign_host_is_refused_everywhere(path, host):
    response = fetch(path, headers={"Host": host})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "host_not_allowed"
    assert "allowed_hosts" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        (ServeSettings(host="10.0.0.5"), "10.0.0.5:7860", 200),
        (ServeSettings(host="10.0.0.5"), "10.0.0.6:7860", 403),
        (ServeSettings(host="graft.lan"), "Graft.LAN:7860", 200),
        (ServeSettings(allowed_hosts=("chat.example",)), "chat.example", 200),
        (ServeSettings(allowed_hosts=("chat.example",)), "sub.chat.example", 403),
    ],
)
def test_bound_and_allowed_hosts_are_served(settings, host, status):
    assert fetch(settings=settings, headers={"Host": host}).status_code == status


def test_wildcard_bind_is_served_under_the_address_the_request_arrived_at():
    wildcard = ServeSettings(host="0.0.0.0")
    # httpx tells the application that it arrived at the host of the URL.
    assert fetch(settings=wildcard, server="192.0.2.7:7860").status_code == 200
    assert fetch(settings=wildcard, server="192.0.2.7:7860", headers={"Host": "192.0.2.8"}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:7860", 200),
        ("http://localhost:7860", 200),
        ("http://chat.example", 200),
        ("https://chat.example:8443", 200),
        ("http://127.0.0.1:3000", 403),
        ("http://127.0.0.1", 403),
        ("http://evil.example", 403),
        ("http://evil.example:7860", 403),
        ("http://localhost.evil.example:7860", 403),
        ("file://localhost:7860", 403),
        ("null", 403),
        ("http://localhost:x", 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/v1/models"])
def test_origin_is_this_server_or_an_allowed_host(path, origin, status):
    response = fetch(path, ServeSettings(allowed_hosts=("chat.example",)), headers={"Origin": origin})
    assert response.status_code == status
    assert not [name for name in response.headers if name.startswith("access-control")]


# --- websockets ---


def connect(settings: ServeSettings, **headers: str) -> list[str]:
    """Message types that a websocket client gets when it connects to the mounted page."""
    sent: list[str] = []
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def go() -> None:
        inbox = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

        async def receive():
            return inbox.pop(0)

        async def send(message) -> None:
            sent.append(message["type"])

        scope = {"type": "websocket", "path": "/live", "raw_path": b"/live", "query_string": b"", "headers": raw}
        await site(settings)({**scope, "scheme": "ws", "server": ("127.0.0.1", 7860), "asgi": {}}, receive, send)

    asyncio.run(go())
    return sent


def test_websocket_of_the_own_page_is_accepted():
    assert connect(ServeSettings(), host="localhost:7860", origin="http://localhost:7860") == ["websocket.accept"]


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"host": "localhost", "origin": "http://evil.example"}])
def test_websocket_of_a_stranger_is_closed(headers):
    assert connect(ServeSettings(), **headers) == ["websocket.close"]


def test_websocket_without_a_key_is_closed(keys_file):
    settings = ServeSettings(api_keys_file=keys_file)
    assert connect(settings, host="localhost") == ["websocket.close"]
    assert connect(settings, host="localhost", authorization="Bearer wonder") == ["websocket.accept"]


# --- body ---


def test_body_within_the_cap_is_read_and_a_larger_one_is_not():
    settings = ServeSettings(max_body_mib=0.001)
    assert fetch(settings=settings, method="POST", content=b"x" * 1048).json() == {"read": 1048}
    response = fetch(settings=settings, method="POST", content=b"x" * 1049)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize("page", ["", "/zh", "/d/helpdesk", "/d/helpdesk/zh"])
def test_uploads_through_a_page_have_a_limit_of_their_own(page):
    settings = ServeSettings(max_body_mib=0.001, max_upload_mib=0.01)
    path = f"{page}/gradio_api/upload"
    assert fetch(path, settings, method="POST", content=b"x" * 10_000).status_code != 413
    assert fetch(path, settings, method="POST", content=b"x" * 11_000).status_code == 413
    for elsewhere in (f"{page}/gradio_api/queue/join", f"/v1{path}"):
        assert fetch(elsewhere, settings, method="POST", content=b"x" * 10_000).status_code == 413


def test_body_without_a_length_is_counted():
    async def pieces():
        for _ in range(3):
            yield b"x" * 600

    response = fetch(settings=ServeSettings(max_body_mib=0.001), method="POST", content=pieces())
    assert response.status_code == 413


def test_too_large_chat_request_is_413_in_openais_shape():
    async def pieces():
        yield b'{"model": "garden", "messages": [{"role": "user", "content": "'
        yield b"x" * 2000

    async def go() -> httpx.Response:
        app = create_app([ScriptedService()], ServeSettings(max_body_mib=0.001))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            headers = {"Content-Type": "application/json"}
            return await client.post("/v1/chat/completions", content=pieces(), headers=headers)

    response = asyncio.run(go())
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


# --- keys ---


@pytest.mark.parametrize("path", ["/v1/models", "/"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wonder"}, 200),
        ({"Authorization": "bearer build"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {digest('wonder')}"}, 401),
        (basic("alice", "wonder"), 200),
        (basic("alice", "build"), 401),
        (basic("", "wonder"), 401),
        ({"Authorization": "Basic !!"}, 401),
        ({"Authorization": "wonder"}, 401),
    ],
)
def test_key_is_needed_once_there_is_a_keys_file(keys_file, path, headers, status):
    assert fetch(path, ServeSettings(host="0.0.0.0", api_keys_file=keys_file), headers=headers).status_code == status


def test_challenge_fits_the_client(keys_file):
    settings = ServeSettings(api_keys_file=keys_file)
    assert fetch("/v1/models", settings).headers["WWW-Authenticate"] == "Bearer"
    assert fetch("/", settings).headers["WWW-Authenticate"].startswith("Basic")


def test_probes_need_no_key_but_see_no_details(keys_file):
    async def go(**headers: str) -> httpx.Response:
        app = create_app([ScriptedService()], ServeSettings(api_keys_file=keys_file))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            assert (await client.get("/health")).status_code == 200
            return await client.get("/ready", headers=headers)

    assert asyncio.run(go()).json() == {"ready": True}
    assert asyncio.run(go(Authorization="Bearer wonder")).json()["domain"] == "garden"


def test_keys_file_is_followed_and_fails_closed(keys_file, caplog):
    ring = KeyRing(keys_file)
    assert ring.holder("wonder") == "alice"
    keys_file.write_text(f"carol:{digest('new')}\n")
    assert (ring.holder("wonder"), ring.holder("new")) == (None, "carol")
    with caplog.at_level(logging.WARNING):
        keys_file.unlink()
        assert ring.holder("new") is None
    assert "no key is accepted" in caplog.text


@pytest.mark.parametrize("content", ["", "# nobody\n", "alice:wonder\n", f"{digest('wonder')}\n", "a b:" + "0" * 64])
def test_unusable_keys_file_is_named(tmp_path, content):
    path = tmp_path / "keys"
    path.write_text(content)
    with pytest.raises(ServeError, match="keys"):
        KeyRing(path)


# --- binding ---


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_loopback_bind_needs_no_key(host):
    assert is_loopback(host)
    check_bind(ServeSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "graft.lan", "localhost.evil.example"])
def test_other_bind_needs_keys(host, keys_file):
    with pytest.raises(ServeError, match="api_keys_file"):
        check_bind(ServeSettings(host=host))
    check_bind(ServeSettings(host=host, api_keys_file=keys_file))


def test_bind_with_a_missing_keys_file_is_refused(tmp_path):
    with pytest.raises(ServeError, match="absent"):
        check_bind(ServeSettings(host="0.0.0.0", api_keys_file=tmp_path / "absent"))


def test_refusal_is_one_line_of_json():
    text = fetch(headers={"Host": "evil.example"}).text
    assert "\n" not in text
    assert set(json.loads(text)["error"]) == {"message", "type", "code", "param"}


# --- limits of a key ---


def limited_post(settings: ServeSettings, key: str = "wonder", size: int = 1):
    headers = {"Authorization": f"Bearer {key}"}
    return {"settings": settings, "path": "/v1/x", "method": "POST", "headers": headers, "content": b"x" * size}


def test_key_has_so_many_requests_in_a_minute(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"alice:{digest('wonder')} requests_per_minute=2\nbob:{digest('build')}\n")

    async def go():
        app = site(ServeSettings(api_keys_file=path, requests_per_minute=3))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:7860") as client:
            ask = lambda key: client.post("/v1/nothing", headers={"Authorization": f"Bearer {key}"})  # noqa: E731
            return [await ask("wonder") for _ in range(3)], [await ask("build") for _ in range(4)]

    alice, bob = asyncio.run(go())
    assert [response.status_code for response in alice] == [404, 404, 429]
    assert [response.status_code for response in bob] == [404, 404, 404, 429]
    assert int(alice[-1].headers["Retry-After"]) == 30
    assert alice[-1].json()["error"]["code"] == "rate_limit_exceeded"


def test_key_has_a_largest_body_of_its_own(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"alice:{digest('wonder')} max_body_mib=0.001\nbob:{digest('build')}\n")
    settings = ServeSettings(api_keys_file=path)
    sizes = {key: fetch(**limited_post(settings, key, 2000)).status_code for key in ("wonder", "build")}
    assert sizes == {"wonder": 413, "build": 404}


def test_slow_body_is_given_up(monkeypatch):
    from serve import body_limit

    monkeypatch.setattr(body_limit, "BODY_SECONDS", 0.01)

    # httpx's ASGITransport reads the whole body first, so the application is called by hand.
    async def go():
        sent = []

        async def receive():
            await asyncio.sleep(5)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
            "server": ("127.0.0.1", 7860),
            "root_path": "",
        }
        await site(ServeSettings())(scope, receive, send)
        return sent[0]["status"]

    assert asyncio.run(go()) == 408
