"""Conversations as files: what they hold, and that nobody gets another's."""

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.arms import parse_arm
from core.chat import Question
from core.conversations import ConversationStore
from core.feedback import Rating
from core.feedback_store import FeedbackStore
from core.turns import Turn
from core.types import Answer, Citation
from core.user_database import UserDatabase
from ui.downloads import conversation_path, download_routes, everything_path
from ui.export import as_markdown
from ui.visitors import COOKIE, Visitors, signed

SECRET = b"s" * 32
ANN, BOB = "a" * 32, "b" * 32


def turn(text="When do I prune\na quince?", answer="In *February* [1].", format="text", **fields):
    cited = [Citation(number=1, source="shrubs/quince.md", locator="Quince", quote="Prune in\nFebruary.")]
    done = Answer(text=answer, format=format, citations=cited, model="garden@1")
    question = Question(text=text, arm=parse_arm("rag"), format=format)
    return Turn(question=question, text=answer, answer=done, seconds=2.0, **({"state": "done"} | fields))


@pytest.fixture
def store(tmp_path):
    return ConversationStore(UserDatabase(tmp_path / "users.sqlite"), "garden")


@pytest.fixture
def feedback(tmp_path):
    return FeedbackStore(UserDatabase(tmp_path / "users.sqlite"), "garden")


@pytest.fixture
def get(store, feedback):
    app = FastAPI()
    app.include_router(download_routes(store, feedback))
    app.add_middleware(Visitors, secret=SECRET)

    def get(path, user=ANN):
        client = TestClient(app, cookies={COOKIE: signed(user, SECRET)} if user else {})
        return client.get(path)

    return get


def test_markdown_reads_as_a_text(store):
    kept = store.create(ANN, [turn(), turn("As YAML?", "a: ```x```", format="yaml"), turn(state="stopped")])
    text = as_markdown(store.read(ANN, kept))
    assert text.startswith("# When do I prune a quince?\n")
    assert "## When do I prune a quince?\n\nIn *February* [1].\n" in text
    assert "- [1] shrubs/quince.md, Quince: “Prune in February.”" in text
    assert "````yaml\na: ```x```\n````" in text
    assert "*The answer was stopped here.*" in text
    assert "*Documents, garden@1, 2.0 s*" in text


def test_json_holds_everything(store, get):
    kept = store.create(ANN, [turn()])
    answer = get(conversation_path(kept, "json"))
    assert answer.json() == store.read(ANN, kept).model_dump(mode="json", by_alias=True)
    assert "when-do-i-prune-a-quince.json" in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert get(conversation_path(kept, "md")).text == as_markdown(store.read(ANN, kept))


@pytest.mark.parametrize("user", [BOB, None])
def test_strangers_get_nothing(store, feedback, get, user):
    kept = store.create(ANN, [turn()])
    feedback.rate(Rating(user=ANN, domain="garden", turn=turn(), verdict="up"))
    assert get(conversation_path(kept, "json"), user).status_code == 404
    assert "February" not in get(conversation_path(kept, "md"), user).text
    everything = get(everything_path(), user)
    assert everything.status_code == 404 or not any(everything.json().values())


def test_everything_is_all_of_ones_own(store, feedback, get):
    feedback.rate(Rating(user=ANN, domain="garden", turn=turn(), verdict="up"))
    for number in range(205):
        store.create(ANN, [turn(f"Question {number}?")])
    store.create(BOB, [turn("Of Bob?")])
    everything = json.loads(get(everything_path()).text)
    assert [rating["verdict"] for rating in everything["ratings"]] == ["up"]
    found = everything["conversations"]
    assert len(found) == 205
    assert "Of Bob?" not in {item["title"] for item in found}


@pytest.mark.parametrize("name", ["x.md", "x.exe", "x", "..%2F..%2Fetc.md"])
def test_other_names_are_no_files(get, name):
    assert get(f"/mine/conversations/{name}").status_code == 404
