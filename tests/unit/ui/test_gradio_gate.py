"""Gradio's sessions and files belong to whoever came with them; what the page does not use is not there."""

from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.roles import Role
from ui.gradio_gate import Belongings, GradioGate

RUN, UPLOAD = "/gradio_api/run/predict", "/gradio_api/upload"


class Login:
    """Says who a request is from, by a header of its own."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            user = dict(scope["headers"]).get(b"x-user", b"").decode()
            scope.setdefault("state", {}).update(user=user, role=Role.ADMIN)
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def client():
    with gr.Blocks(analytics_enabled=False) as page:
        kept, box, files, button = gr.State(""), gr.Textbox(), gr.File(file_count="multiple"), gr.Button()
        button.click(lambda text, old: (text or old, text or old), [box, kept], [box, kept], queue=False)
        button.click(lambda paths: [Path(path).read_text() for path in paths or []], files, box, queue=False)
    app = FastAPI()
    app.add_middleware(Login)
    gr.mount_gradio_app(app, page, path="/", ssr_mode=False)
    app.routes[-1].app.add_middleware(GradioGate, belongings=Belongings())
    return TestClient(app)


def as_(user):
    return {"x-user": user}


def run(client, user, data, number=0, session="s1"):
    body = {"data": data, "fn_index": number, "session_hash": session}
    return client.post(RUN, json=body, headers=as_(user))


def upload(client, user, content=b"secret", name="note.txt"):
    (path,) = client.post(UPLOAD, files={"files": (name, content)}, headers=as_(user)).json()
    return path


def test_a_session_is_whose_it_was_first(client):
    assert run(client, "ann", ["mine", None]).json()["data"][0] == "mine"
    assert run(client, "ann", ["", None]).json()["data"][0] == "mine"
    assert run(client, "bob", ["", None]).status_code == 404
    assert run(client, "", ["", None]).status_code == 404
    assert run(client, "bob", ["", None], session="s2").json()["data"][0] == ""


def test_no_way_to_a_session_is_open(client):
    run(client, "ann", ["mine", None], session="s3")
    tries = [
        ("GET", "/gradio_api/queue/data?session_hash=s3", None),
        ("GET", "/gradio_api/queue/data?session_hash=mine&session_hash=s3", None),
        ("GET", "/gradio_api/queue/data?session_h%61sh=s3", None),
        ("GET", "/gradio_api/heartbeat/s3", None),
        ("GET", "/gradio_api/heartbeat/s3/", None),
        ("POST", "/gradio_api/queue/join", {"data": ["", None], "fn_index": 0, "session_hash": "s3"}),
        ("POST", "/gradio_api/queue/join/", {"data": ["", None], "fn_index": 0, "session_hash": "s3"}),
        ("POST", "/gradio_api/run/x", {"data": ["", None], "fn_index": 0, "session_hash": "s3"}),
        ("POST", "/gradio_api/cancel", {"session_hash": "s3", "fn_index": 0, "event_id": "e"}),
    ]
    for method, path, body in tries:
        assert client.request(method, path, json=body, headers=as_("bob")).status_code == 404, path


@pytest.mark.parametrize("body", [b"[1]", b"{", b'"s1"', b"\xff", b"[" * 100_000])
def test_a_body_that_names_nothing_readable_goes_nowhere(client, body):
    answer = client.post(RUN, content=body, headers={"content-type": "application/json", **as_("bob")})
    assert answer.status_code == 404


def test_a_file_is_whose_upload_it_was(client):
    path = upload(client, "ann")
    assert client.get(f"/gradio_api/file={path}", headers=as_("ann")).content == b"secret"
    for address in (f"/gradio_api/file={path}", f"/gradio_api/file={path}/", f"/gradio_api/file=/./{path}"):
        assert client.get(address, headers=as_("bob")).status_code == 404
    assert client.get(f"/gradio_api/file/{path}", headers=as_("ann")).status_code == 404


@pytest.mark.parametrize("form", ["{}", "/./{}", "//{}", "/tmp/../{}"])
def test_an_event_takes_only_files_of_its_user(client, form):
    path = upload(client, "ann", b"taken by the event", f"event{len(form)}.txt")
    data = [[{"path": form.format(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "note.txt"}]]
    assert run(client, "bob", data, 1, f"bob{form}").status_code == 404
    assert "taken by the event" in str(run(client, "ann", data, 1, f"ann{form}").json()["data"])


@pytest.mark.parametrize("path", ["https://elsewhere.example/x", "/etc/passwd", "relative.txt", 7, None])
def test_an_event_takes_nothing_else(client, path):
    data = [[{"path": path, "meta": {"_type": "gradio.FileData"}}]]
    assert run(client, "ann", data, 1, "s9").status_code == 404


def test_the_same_file_of_two_users_is_both_theirs(client):
    path = upload(client, "ann", b"shared")
    assert upload(client, "bob", b"shared") == path
    for user in ("ann", "bob"):
        assert client.get(f"/gradio_api/file={path}", headers=as_(user)).content == b"shared"
    assert client.get(f"/gradio_api/file={path}", headers=as_("eve")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=https://elsewhere.example/",
        "/gradio_api/proxy=https://elsewhere.example/",
        "/gradio_api/deep_link?session_hash=s1",
        "/gradio_api/call/predict/1",
        "/gradio_api/stream/s1/1/1/playlist.m3u8",
        "/gradio_api/run-history/records",
        "/gradio_api/",
        "/monitoring",
    ],
)
def test_what_the_page_does_not_use_is_not_there(client, path):
    assert client.get(path, headers=as_("ann")).status_code == 404
    assert client.post(path, json={}, headers=as_("ann")).status_code == 404


def test_the_page_itself_is(client):
    for path in ("/config", "/theme.css", "/gradio_api/startup-events", "/gradio_api/info"):
        assert client.get(path, headers=as_("ann")).status_code == 200, path


def test_memory_has_an_end(monkeypatch):
    monkeypatch.setattr("ui.gradio_gate._REMEMBERED", 3)
    belongings = Belongings()
    for number in range(9):
        assert belongings.has_session("ann", f"s{number}")
        belongings.add_file("ann", f"/f{number}")
    assert len(belongings._sessions) == len(belongings._files) == 3
