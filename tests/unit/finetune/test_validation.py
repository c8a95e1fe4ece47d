"""Which rows are held out, and when a training stops early."""

from types import SimpleNamespace

from finetune.callbacks import EarlyStopping
from finetune.validation import MOST_ROWS, split_rows

ROWS = [{"record": f"r{i // 3}", "n": i} for i in range(90)]


def test_rows_of_a_record_stay_together_and_nothing_is_lost():
    train, held_out = split_rows(ROWS, 0.2, seed=7)
    assert len(held_out) == 18
    assert sorted(row["n"] for row in [*train, *held_out]) == list(range(90))
    assert not {row["record"] for row in train} & {row["record"] for row in held_out}
    assert [row["n"] for row in train] == sorted(row["n"] for row in train)


def test_the_seed_decides_and_the_order_of_rows_does_not():
    first = {row["record"] for row in split_rows(ROWS, 0.2, seed=7)[1]}
    assert first == {row["record"] for row in split_rows(ROWS[::-1], 0.2, seed=7)[1]}
    assert first != {row["record"] for row in split_rows(ROWS, 0.2, seed=8)[1]}


def test_too_few_rows_are_not_split_and_many_are_not_all_validated():
    assert split_rows(ROWS[:9], 0.2, seed=7) == (ROWS[:9], [])
    assert split_rows(ROWS, 0.0, seed=7) == (ROWS, [])
    many = [{"record": str(i)} for i in range(5000)]
    assert len(split_rows(many, 0.1, seed=7)[1]) == MOST_ROWS
    one_record = [{"record": "r"}] * 50
    assert split_rows(one_record, 0.5, seed=7)[1] == []


def test_stops_after_so_many_validations_without_gain():
    def stops(losses, patience=2):
        state = SimpleNamespace(log_history=[{"loss": 9.0}, *({"eval_loss": loss} for loss in losses)])
        control = SimpleNamespace(should_training_stop=False)
        EarlyStopping(patience).on_evaluate(None, state, control)
        return control.should_training_stop

    assert not stops([3, 2, 2.1])
    assert stops([3, 2, 2.1, 2.0])
    assert not stops([3, 2, 2.1, 1.9])
    assert not stops([3, 2, 2.1, 1.9, 2.5])
    assert stops([3, 2, 2.1, 1.9, 2.5, 1.9])
    assert not stops([])
