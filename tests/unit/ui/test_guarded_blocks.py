"""Events of a page are refused to whoever lacks their right, by whichever route they are called."""

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.roles import Right, Role
from ui.guarded_blocks import GuardedBlocks


class Bouncer:
    """A login in front: takes the role from a header, so that a test can be anybody."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            role = dict(scope["headers"]).get(b"x-role", b"").decode()
            scope.setdefault("state", {})["role"] = Role(role) if role else None
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def site():
    seen = []
    with GuardedBlocks(analytics_enabled=False) as page:
        box, button, other = gr.Textbox(), gr.Button(), gr.Button()
        button.click(lambda text: f"chat {text}", box, box, queue=False)
        with page.only(Right.EXAMPLES):
            other.click(lambda text: seen.append(text) or f"examples {text}", box, box, queue=False)
        with page.only(Right.TRAIN):
            page.load(lambda text: seen.append(text) or f"train {text}", box, box, queue=False)
    app = FastAPI()
    app.add_middleware(Bouncer)
    return TestClient(gr.mount_gradio_app(app, page, path="/", ssr_mode=False)), seen


def call(site, number, role):
    client, _ = site
    headers = {"x-role": role} if role else {}
    body = {"data": ["hello"], "fn_index": number, "session_hash": "s"}
    return client.post("/gradio_api/run/predict", json=body, headers=headers)


@pytest.mark.parametrize(
    ("number", "role", "answer"),
    [
        (0, "chat", "chat hello"),
        (0, None, None),
        (1, "chat", None),
        (1, "curate", "examples hello"),
        (2, "curate", None),
        (2, "admin", "train hello"),
    ],
)
def test_an_event_runs_for_those_who_may(site, number, role, answer):
    site[1].clear()
    response = call(site, number, role)
    if answer is not None:
        assert response.json()["data"] == [answer]
        return
    assert response.status_code == 500
    assert "this needs the role" in response.json()["error"]
    assert site[1] == []


def test_only_what_somebody_wanted_is_refused_aloud(site):
    assert call(site, 1, "chat").json()["visible"] is True
    assert call(site, 2, "chat").json()["visible"] is False
