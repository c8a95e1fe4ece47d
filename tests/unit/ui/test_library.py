"""Events of the chat without a browser: whose conversations and ratings they reach, and what a busy session refuses."""

import asyncio
import dataclasses
from types import SimpleNamespace

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.conversations import ConversationStore
from core.feedback_store import FeedbackStore
from core.turns import Turn
from core.types import Answer
from core.user_database import UserDatabase
from tests.fakes import FakeService
from ui.chat_parts import ChatParts
from ui.handlers import Handlers
from ui.library import Library
from ui.rating_panel import RatingForm
from ui.ratings import Ratings
from ui.show import Shower
from ui.talk import Talk
from ui.writing import Writing


def named(kind):
    """Components by their own names: what events return can then be read."""
    return kind(**{field.name: field.name for field in dataclasses.fields(kind)})


def request(user):
    return SimpleNamespace(state=SimpleNamespace(user=user))


def turn(text="When do I prune a quince?", answer="In February."):
    done = Answer(text=answer, answer=answer, format="text")
    return Turn(question=Question(text=text, arm=parse_arm("rag")), state="done", text=answer, answer=done)


@pytest.fixture
def page(tmp_path):
    service, users = FakeService(tmp_path / "garden"), UserDatabase(tmp_path / "users.sqlite")
    conversations, feedback = ConversationStore(users, "garden"), FeedbackStore(users, "garden")
    show = Shower(named(ChatParts), conversations)
    return SimpleNamespace(
        service=service,
        conversations=conversations,
        feedback=feedback,
        library=Library(conversations, feedback, show),
        handlers=Handlers(service, conversations, show),
        ratings=Ratings(service.pack, feedback, show, named(RatingForm)),
    )


def run(coroutine):
    return asyncio.run(coroutine)


SETTINGS = ("rag", "text", "", True, None, "")


def test_a_question_begins_a_conversation_of_its_user(page):
    values = run(page.handlers.ask(request("ann"), " Q? ", Talk(), Writing(), "", *SETTINGS))
    talk = values["talk"]
    assert values["box"] == ""
    assert page.conversations.read("ann", talk.id).turns[0].question.text == "Q?"
    assert [title for title, _ in values["listing"]["choices"]] == ["Q?"]


def test_without_a_user_nothing_is_kept_and_the_chat_works(page):
    values = run(page.handlers.ask(request(None), "Q?", Talk(), Writing(), "", *SETTINGS))
    assert values["talk"].id is None
    assert values["talk"].turns[0].state == "waiting"
    assert values["menu"] == ""
    assert page.conversations.find("None") == []


def test_strangers_cannot_open_rename_or_delete(page):
    kept = page.conversations.create("ann", [turn()])
    opened = run(page.library.open(request("bob"), kept, Writing(), ""))
    assert "does not exist any more" in opened["line"]
    assert "talk" not in opened
    renamed = run(page.library.rename(request("bob"), "Mine", Talk(id=kept), ""))
    assert "does not exist any more" in renamed["line"]
    run(page.library.delete(request("bob"), SimpleNamespace(conversation=kept), Writing(), ""))
    run(page.library.delete(request("bob"), SimpleNamespace(conversation="everything"), Writing(), ""))
    assert page.conversations.read("ann", kept).title == "When do I prune a quince?"


def test_a_forged_session_writes_into_no_other_conversation(page):
    kept = page.conversations.create("ann", [turn()])
    values = run(page.handlers.ask(request("bob"), "Evil?", Talk(id=kept), Writing(), "", *SETTINGS))
    assert values["talk"].id is None
    assert len(page.conversations.read("ann", kept).turns) == 1


def test_deleting_everything_takes_ratings_along(page):
    rated = turn()
    kept = page.conversations.create("ann", [rated])
    talk = Talk(id=kept, turns=(rated,))
    run(page.ratings.rate(request("ann"), SimpleNamespace(turn=0, verdict="up"), talk, Writing()))
    run(page.ratings.rate(request("bob"), SimpleNamespace(turn=0, verdict="down"), talk, Writing()))
    values = run(page.library.delete(request("ann"), SimpleNamespace(conversation="everything"), Writing(), ""))
    assert page.conversations.find("ann") == []
    assert [rating.user for rating in page.feedback.ratings()] == ["bob"]
    assert values["talk"] == Talk()


def test_opening_brings_the_users_own_marks(page):
    rated = turn()
    kept = page.conversations.create("ann", [rated])
    talk = Talk(id=kept, turns=(rated,))
    run(page.ratings.rate(request("bob"), SimpleNamespace(turn=0, verdict="down"), talk, Writing()))
    assert run(page.library.open(request("ann"), kept, Writing(), ""))["talk"].marks == {}
    run(page.ratings.rate(request("ann"), SimpleNamespace(turn=0, verdict="up"), talk, Writing()))
    opened = run(page.library.open(request("ann"), kept, Writing(), ""))["talk"]
    assert opened.marks[rated.id].verdict == "up"


@pytest.mark.parametrize("index", [-1, 1, "0", None])
def test_events_about_turns_that_are_not_there_change_nothing(page, index):
    talk = Talk(turns=(turn(),))
    run(page.ratings.rate(request("ann"), SimpleNamespace(turn=index, verdict="up"), talk, Writing()))
    assert page.feedback.ratings() == []
    assert "box" not in run(page.handlers.edit(SimpleNamespace(turn=index), talk, Writing()))


def test_a_busy_session_takes_neither_questions_nor_ratings(page):
    writing = Writing()
    writing.claim()
    talk = Talk(turns=(turn(),))
    asked = run(page.handlers.ask(request("ann"), "Q?", talk, writing, "", *SETTINGS))
    assert "Wait for it" in asked["line"]
    assert "box" not in asked
    rated = run(page.ratings.rate(request("ann"), SimpleNamespace(turn=0, verdict="up"), talk, writing))
    assert "when it is complete" in rated["line"]
    assert page.feedback.ratings() == []


def test_a_correction_that_is_left_as_it_was_is_none(page):
    rated = turn()
    talk = Talk(turns=(rated,))
    args = (request("ann"), talk, Writing(), rated.id, ["wrong", "nonsense"], " why ", "In February. ", False)
    run(page.ratings.save(*args))
    (kept,) = page.feedback.ratings()
    assert kept.correction is None
    assert kept.reasons == ("wrong",)
    assert kept.comment == "why"


def test_a_full_disk_is_said_and_the_question_stays(page, monkeypatch):
    from core.errors import WorkspaceError

    def full(*_):
        raise WorkspaceError("no space left: free some")

    monkeypatch.setattr(page.conversations, "create", full)
    writing = Writing()
    values = run(page.handlers.ask(request("ann"), "Q?", Talk(), writing, "", *SETTINGS))
    assert "no space left" in values["line"]
    assert "box" not in values
    assert not writing.busy
