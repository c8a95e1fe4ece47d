"""How far a lab is, and how long it will take."""

import pytest

from graft.pace import Pace


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_time_left_follows_from_what_was_asked():
    clock = Clock()
    pace = Pace(["base", "rag"], clock=clock)
    assert pace.tell("starting vLLM", 3, 10) == (0.0, None)
    assert pace.tell("base", 0, 10) == (0.0, None)
    clock.now = 20.0
    assert pace.tell("base", 5, 10) == (0.25, pytest.approx(60.0))
    clock.now = 40.0
    assert pace.tell("base", 10, 10) == (0.5, pytest.approx(40.0))
    clock.now = 100.0  # whatever came between the arms
    assert pace.tell("rag", 0, 10) == (0.5, pytest.approx(40.0))


def test_what_comes_from_the_cache_takes_no_time():
    clock = Clock()
    pace = Pace(["base", "rag"], clock=clock)
    pace.tell("base", 9, 10)
    clock.now = 4.0
    assert pace.tell("base", 10, 10) == (0.5, pytest.approx(40.0))


def test_arms_under_control_are_asked_three_times_more():
    clock = Clock()
    pace = Pace(["rag"], ["rag"], clock=clock)
    pace.tell("rag", 0, 10)
    clock.now = 10.0
    assert pace.tell("rag", 10, 10) == (0.25, pytest.approx(30.0))
    pace.tell("rag, tampered", 0, 30)
    clock.now = 25.0
    assert pace.tell("rag, tampered", 15, 30) == (0.625, pytest.approx(15.0))


def test_nothing_to_ask_is_no_share():
    assert Pace([]).tell("asked", 1, 2) == (0.0, None)
