"""Ratings, corrections and votes: what is kept, for whom, and what is no correction."""

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.errors import RequestError
from core.feedback import Rating, Vote, read_correction
from core.feedback_store import FeedbackStore
from core.turns import Turn
from core.types import Answer, Passage
from core.user_database import UserDatabase

CARE = {
    "type": "object",
    "properties": {"plant": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["plant"],
    "additionalProperties": False,
}
REFUSAL = "I cannot find this."


def turn(**fields):
    passages = [Passage(number=1, source="a.md", locator="A", text="One thing.", start=0, end=10)]
    answer = Answer(text="T", format="json", schema="care", answer={"plant": "x"}, passages=passages, model="garden@1")
    question = Question(text="Q?", arm=parse_arm("hybrid"), format="json", schema_name="care", adapter="garden@1")
    return Turn(question=question, state="done", text="T", passages=tuple(passages), answer=answer, **fields)


def rating(user="ann", of=None, **fields):
    return Rating(user=user, domain="garden", turn=of or turn(), **fields)


@pytest.fixture
def store(tmp_path):
    return FeedbackStore(UserDatabase(tmp_path / "users.sqlite"), "garden")


def test_a_rating_comes_back_with_all_that_can_be_learnt_from_it(store):
    given = rating(
        verdict="down", reasons=("wrong",), comment="No.", correction=read_correction("{}", "json", None, "R")
    )
    store.rate(given)
    assert store.ratings() == [given]
    assert store.ratings()[0].turn.answer.passages[0].text == "One thing."


def test_one_rating_for_each_answer_and_user(store):
    rated = turn()
    store.rate(rating(of=rated, verdict="up"))
    store.rate(rating(of=rated, verdict="down"))
    store.rate(rating("bob", of=rated, verdict="up"))
    assert store.of_turns("ann", [rated.id])[rated.id].verdict == "down"
    assert len(store.ratings()) == 2
    store.rate(rating(of=rated))
    assert store.of_turns("ann", [rated.id, "other"]) == {}
    assert [kept.user for kept in store.ratings()] == ["bob"]


def test_users_and_domains_are_apart(tmp_path, store):
    rated = turn()
    store.rate(rating(of=rated, verdict="up"))
    vote = Vote(user="ann", domain="garden", turns=(turn(), turn()), outcome="winner", winner=1)
    store.vote(vote)
    store.vote(vote)
    other = FeedbackStore(UserDatabase(tmp_path / "users.sqlite"), "pumps")
    assert other.ratings() == other.votes() == []
    assert store.of_turns("bob", [rated.id]) == {}
    assert store.ratings("bob") == store.votes("bob") == []
    store.delete_all("bob")
    other.delete_all("ann")
    assert len(store.ratings("ann")) == len(store.votes("ann")) == 1
    store.delete_all("ann")
    assert store.ratings() == store.votes() == []


@pytest.mark.parametrize(
    ("text", "format", "schema", "answer"),
    [
        (" In March. [1] ", "text", None, "In March. [1]"),
        ('{"plant": "sage"}', "json", CARE, {"plant": "sage"}),
        ('{"plant": "sage", "answer": "yes"}', "json", CARE, {"plant": "sage", "answer": "yes"}),
        ("answer: |\n  two\n  lines\nplant: sage\n", "yaml", CARE, {"plant": "sage", "answer": "two\nlines\n"}),
        (REFUSAL, "text", None, None),
        ("null", "json", CARE, None),
    ],
)
def test_corrections_are_read_as_answers_are(text, format, schema, answer):
    assert read_correction(text, format, schema, REFUSAL).answer == answer


@pytest.mark.parametrize(
    ("text", "format", "words"),
    [
        (" ", "text", "write the right answer"),
        ('{"plant": ', "json", "not valid JSON"),
        ("plant: [", "yaml", "not valid YAML"),
        ("[1]", "json", "not have the shape"),
        ('{"plant": 7}', "json", "plant: 7 is not of type 'string'"),
        ("{}", "json", "'plant' is a required property"),
    ],
)
def test_what_is_no_answer_is_said(text, format, words):
    with pytest.raises(RequestError, match=words):
        read_correction(text, format, CARE, REFUSAL)


def test_not_in_the_documents_needs_no_text():
    assert not read_correction("", "json", CARE, REFUSAL, answerable=False).answerable
