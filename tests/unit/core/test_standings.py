import pytest

from core.arms import parse_arm
from core.chat import Question
from core.feedback import Vote
from core.standings import standings, wilson
from core.turns import Turn
from core.types import Answer


def turn(arm, model="base"):
    return Turn(
        question=Question(text="Q?", arm=parse_arm(arm)), answer=Answer(text="A", format="text", model=model), text="A"
    )


def vote(*turns, winner=None, outcome="winner"):
    return Vote(user="ann", domain="garden", turns=turns, outcome=outcome, winner=winner)


def test_a_winner_beats_the_others_and_a_tie_is_half():
    hybrid, rag, base = turn("hybrid+schema", "garden@1"), turn("rag"), turn("base")
    votes = [vote(hybrid, rag, base, winner=0), vote(rag, hybrid, winner=1), vote(hybrid, rag, outcome="tie")]
    found = {(one.arm, one.adapter): (one.votes, round(one.rate, 3)) for one in standings(votes)}
    assert found == {("hybrid", "garden@1"): (3, 0.833), ("rag", ""): (3, 0.167), ("base", ""): (1, 0.0)}
    assert standings(votes)[0].arm == "hybrid"
    assert standings([]) == []


def test_versions_of_an_adapter_are_different_contestants():
    votes = [vote(turn("hybrid", "garden@1"), turn("hybrid", "garden@2"), winner=1)]
    assert [one.adapter for one in standings(votes)] == ["garden@2", "garden@1"]


def test_nothing_is_learnt_of_one_against_itself():
    assert standings([vote(turn("rag"), turn("rag"), winner=1)]) == []


def test_wilson_agrees_with_its_published_example():
    # 15 of 50: Newcombe 1998 gives such intervals; computed independently with z = 1.96.
    low, high = wilson(0.3, 50)
    assert (low, high) == pytest.approx((0.1910, 0.4375), abs=5e-4)
    assert wilson(1.0, 3)[1] == 1.0
    assert wilson(0.0, 0) == (0.0, 1.0)
