"""Guessing passwords becomes slow, and keeps nobody else out."""

from ui.attempts import Attempts


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_five_wrong_ones_then_a_wait():
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(5):
        assert attempts.seconds_to_wait("bob", "10.0.0.1") == 0
        attempts.failed("bob", "10.0.0.1")
    assert attempts.seconds_to_wait("bob", "10.0.0.1") == 30
    clock.now = 29.0
    assert attempts.seconds_to_wait("bob", "10.0.0.1") == 1
    clock.now = 30.0
    assert attempts.seconds_to_wait("bob", "10.0.0.1") == 0


def test_others_are_not_kept_out():
    attempts = Attempts(Clock())
    for _ in range(5):
        attempts.failed("bob", "10.0.0.1")
    assert attempts.seconds_to_wait("bob", "10.0.0.2") == 0
    assert attempts.seconds_to_wait("ben", "10.0.0.1") == 0


def test_many_names_from_one_address_and_many_addresses_for_one_name():
    attempts = Attempts(Clock())
    for number in range(40):
        attempts.failed(f"user{number}", "10.0.0.1")
        attempts.failed("bob", f"10.0.1.{number}")
    assert attempts.seconds_to_wait("ben", "10.0.0.1") == 3
    assert attempts.seconds_to_wait("bob", "10.0.2.1") == 20


def test_whoever_gets_in_was_not_guessing():
    attempts = Attempts(Clock())
    for _ in range(100):
        attempts.failed("bob", "10.0.0.1")
        attempts.succeeded("bob", "10.0.0.1")
    assert attempts.seconds_to_wait("bob", "10.0.0.1") == 0
    assert attempts.seconds_to_wait("ben", "10.0.0.1") == 0


def test_memory_has_an_end(monkeypatch):
    monkeypatch.setattr("ui.attempts._REMEMBERED", 10)
    attempts = Attempts(Clock())
    for number in range(100):
        attempts.failed(f"user{number}", "10.0.0.1")
    assert len(attempts._used) == 10
