"""Which rows are held out, and when a training stops early."""

from types import SimpleNamespace

from finetune.validating import TIMES, Validating
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


class Run:
    """Steps and validations as a trainer makes them, with a checkpoint every `every` steps."""

    def __init__(self, steps, patience=2):
        self.callback = Validating(patience, lambda step, steps: step / steps)
        self.state = SimpleNamespace(log_history=[{"loss": 9.0}], global_step=0, max_steps=steps)
        self.control = SimpleNamespace(should_training_stop=False, should_evaluate=False)

    def reach(self, step, loss):
        """Whether there is a validation at the checkpoint of this step."""
        self.state.global_step, self.control.should_evaluate = step, True
        self.callback.on_step_end(None, self.state, self.control)
        if self.control.should_evaluate:
            self.state.log_history.append({"eval_loss": loss, "step": step})
            self.callback.on_evaluate(None, self.state, self.control)
        return self.control.should_evaluate

    def stops(self, losses, first):
        """Whether it has stopped after validations at tenths of the run from `first` on."""
        for number, loss in enumerate(losses, start=first):
            assert self.reach(number * 10, loss)
        return self.control.should_training_stop


def test_stops_after_so_many_validations_without_gain_in_the_second_half():
    assert not Run(100).stops([], first=5)
    assert not Run(100).stops([3, 2, 2.1], first=4)
    assert Run(100).stops([3, 2, 2.1, 2.0], first=4)
    assert not Run(100).stops([3, 2, 2.1, 1.9], first=4)
    assert not Run(100).stops([3, 2, 2.1, 1.9, 2.5], first=4)
    assert Run(100).stops([3, 2, 2.1, 1.9, 2.5, 1.9], first=4)
    # While the rate is high a worse loss says little.
    assert not Run(100).stops([3, 2, 2.1, 2.2, 2.3], first=1)
    assert Run(100).stops([3, 2, 2.1, 2.2, 2.3, 2.1], first=1)


def test_validates_a_dozen_times_however_many_checkpoints_there_are_and_at_the_end():
    run = Run(1003, patience=99)
    reached = [step for step in [*range(10, 1003, 10), 1003] if run.reach(step, 1.0)]
    assert len(reached) == TIMES
    assert reached[:2] == [90, 170]
    assert reached[-1] == 1003


def test_of_few_checkpoints_each_is_validated():
    run = Run(8, patience=99)
    assert all(run.reach(step, 1.0) for step in (2, 4, 6, 8))
