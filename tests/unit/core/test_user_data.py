"""What is kept of a user is counted and deleted; nobody else's is touched."""

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.conversations import ConversationStore
from core.feedback import Rating, Vote
from core.feedback_store import FeedbackStore
from core.turns import Turn
from core.user_data import UserData, count_user, delete_user, last_traces
from core.user_database import UserDatabase

ANN, BOB = "a" * 32, "b" * 32
NONE = {"conversations": 0, "ratings": 0, "votes": 0}
SOME = {"conversations": 1, "ratings": 1, "votes": 1}


def turn():
    return Turn(question=Question(text="When do I prune?", arm=parse_arm("rag")), text="In February.")


@pytest.fixture
def database(tmp_path):
    database = UserDatabase(tmp_path / "users.sqlite")
    for user in (ANN, BOB):
        for domain in ("garden", "trees"):
            ConversationStore(database, domain).create(user, [turn()])
            feedback = FeedbackStore(database, domain)
            feedback.rate(Rating(user=user, domain=domain, turn=turn(), verdict="up"))
            feedback.vote(Vote(user=user, domain=domain, turns=(turn(), turn()), outcome="tie"))
    return database


def test_one_user_of_one_domain(database):
    garden, trees = UserData(database, "garden"), UserData(database, "trees")
    assert garden.count(ANN) == SOME
    assert garden.count("c" * 32) == NONE
    garden.delete(ANN)
    assert [data.count(user) for data in (garden, trees) for user in (ANN, BOB)] == [NONE, SOME, SOME, SOME]


def test_one_user_of_all_domains(database):
    delete_user(database, ANN)
    assert [UserData(database, domain).count(ANN) for domain in ("garden", "trees")] == [NONE, NONE]
    assert UserData(database, "trees").count(BOB) == SOME
    with database.open() as connection:
        assert connection.execute("SELECT count(*) FROM turns").fetchone() == (2,)


def test_counts_and_last_traces_over_all_domains(database):
    assert count_user(database, ANN) == dict.fromkeys(SOME, 2)
    assert count_user(database, "c" * 32) == NONE
    with database.open() as connection:
        connection.execute("UPDATE conversations SET updated = '2001' WHERE user = ?", (ANN,))
        connection.execute("UPDATE ratings SET updated = '2002' WHERE user = ?", (ANN,))
        connection.execute("UPDATE votes SET created = '2003' WHERE user = ?", (ANN,))
    found = last_traces(database)
    assert set(found) == {ANN, BOB}
    assert found[ANN] == "2003"
