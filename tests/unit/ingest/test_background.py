"""Work in other threads: its order, its pace, its errors."""

import threading

import pytest

from ingest.background import Ahead, Jobs


def test_ahead_gives_all_items_in_order():
    with Ahead(iter(range(100)), 3) as items:
        items.start()
        assert list(items) == list(range(100))


def test_ahead_is_at_most_so_far_ahead():
    made = []
    gate = threading.Semaphore(0)

    def make():
        for number in range(20):
            made.append(number)
            gate.release()
            yield number

    with Ahead(make(), 2) as items:
        items.start()
        for _ in range(4):  # two wait, one is handed over or made
            gate.acquire(timeout=1)
        assert len(made) <= 4
        assert next(iter(items)) == 0


def test_ahead_counts_weight_and_lets_a_heavy_item_wait_alone():
    made = []

    def make():
        for number in (1, 1, 9, 1):
            made.append(number)
            yield number

    with Ahead(make(), 3, weigh=lambda number: number) as items:
        items.start()
        assert list(items) == [1, 1, 9, 1]
    assert made == [1, 1, 9, 1]


def test_ahead_raises_what_was_raised_after_what_was_made():
    def make():
        yield 1
        raise ValueError("broken")

    with Ahead(make(), 5) as items:
        items.start()
        iterator = iter(items)
        assert next(iterator) == 1
        with pytest.raises(ValueError, match="broken"):
            next(iterator)


def test_ahead_ends_its_thread_when_nobody_wants_more():
    threads = threading.active_count()
    with Ahead(iter(range(1000)), 1) as items:
        items.start()
        next(iter(items))
    assert threading.active_count() == threads


def test_ahead_that_never_started_ends():
    with Ahead(iter(range(3)), 1):
        pass


def test_jobs_are_done_in_order():
    done = []
    with Jobs("test", 2) as jobs:
        for number in range(50):
            jobs.submit(done.append, number)
    assert done == list(range(50))


def test_the_first_error_is_raised_and_nothing_is_done_after_it():
    done = []

    def fail():
        raise ValueError("broken")

    def work():
        with Jobs("test", 2) as jobs:
            jobs.submit(done.append, 1)
            jobs.submit(fail)
            for number in range(50):
                jobs.submit(done.append, number + 2)

    with pytest.raises(ValueError, match="broken"):
        work()
    assert done == [1]


def test_an_error_in_the_last_job_is_raised_at_the_end():
    def fail():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), Jobs("test", 2) as jobs:
        jobs.submit(fail)


def test_an_error_outside_is_the_one_that_is_raised():
    def work():
        with Jobs("test", 2) as jobs:
            jobs.submit(lambda: None)
            raise KeyError("outside")

    with pytest.raises(KeyError, match="outside"):
        work()
