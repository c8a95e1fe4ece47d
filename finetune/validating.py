"""When the loss on held-out rows is taken, and when it says that a training may stop. Computes no loss itself."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

TIMES = 12  # Each costs as much as several steps.
# Until then the rate is high, and the loss on a few dozen rows goes up and down whatever the end will be.
_EARLIEST_STOP = 0.5

Progress = Callable[[int, int], float]
Together = Callable[[bool], bool]


class Validating(TrainerCallback):
    """Validates a dozen times a run, at checkpoints, and stops when `patience` of these in a row brought no lower loss.

    Only those in the second half of the run count. `progress` gives the share of the run that is over, 0 to 1, from
    step and steps; `together` makes one answer of all processes'. What is counted stands in the trainer's log, which
    is part of every checkpoint: a resumed run stops where the whole one would.
    """

    def __init__(self, patience: int, progress: Progress, together: Together = lambda answer: answer) -> None:
        self.patience, self.progress, self.together = patience, progress, together

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Let a checkpoint pass without validation where the last one was a moment ago; never the last checkpoint."""
        if control.should_evaluate:
            done = self.progress(state.global_step, state.max_steps)
            before = max((entry["progress"] for entry in _validations(state)), default=0.0)
            control.should_evaluate = self.together(done >= 1 or int(TIMES * done) > int(TIMES * before))

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Compare the validations so far."""
        found = [entry for entry in state.log_history if "eval_loss" in entry]
        if not found:
            return
        found[-1]["progress"] = self.progress(state.global_step, state.max_steps)
        losses = [entry["eval_loss"] for entry in found]
        worse = [e for e in found[losses.index(min(losses)) + 1 :] if e.get("progress", 1.0) >= _EARLIEST_STOP]
        if self.together(len(worse) >= self.patience):
            control.should_training_stop = True


def _validations(state: Any) -> list[dict[str, Any]]:
    return [entry for entry in state.log_history if "progress" in entry]
