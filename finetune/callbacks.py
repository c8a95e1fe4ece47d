"""What happens between training steps: the rate follows time and steps, progress is written, chat goes first."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from core.activity import is_answering
from core.errors import TrainError
from core.files import write_lines
from finetune.checkpoints import seconds_used
from finetune.job import Job, State, Status, read_metrics, write_status

__all__ = ["Pacing", "Reporting", "read_metrics"]

_LONGEST_PAUSE_SECONDS = 600.0


class Pacing(TrainerCallback):
    """Runs a training within its minutes: warm-up, then cosine decay over what ends first, the steps or the time.

    Each group of parameters keeps its share of the rate (LoRA+); `rate` is the one of the job, which A has.
    Time spent waiting for chat does not count. Resumable: the seconds used are kept beside each checkpoint. Where the
    steps end first, the rate depends on the step alone, and so a resumed run ends as the whole one would.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self.job, self.folder = job, folder
        self.used_before = 0.0
        self.waited = 0.0
        self.rate = 0.0
        self.started = time.monotonic()
        # Told when waiting for chat begins, and when it ends.
        self.on_pause: Callable[[bool], None] = lambda paused: None

    def resume(self, checkpoint: Path) -> None:
        """Take over the seconds used before `checkpoint` was written."""
        self.used_before = seconds_used(checkpoint)

    @property
    def seconds(self) -> float:
        """Seconds of training so far, waiting left out."""
        return self.used_before + time.monotonic() - self.started - self.waited

    def progress(self, step: int, steps: int) -> float:
        """Share of the run that is over, 0 to 1."""
        return min(1.0, max(step / max(steps, 1), self.seconds / (60 * self.job.max_minutes)))

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Start the clock."""
        self.started = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Set the learning rate for the coming step."""
        done = self.progress(state.global_step, state.max_steps)
        warm = max(self.job.warmup_share, 1e-9)
        factor = done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))
        factor = max(factor, 0.02)
        self.rate = self.job.learning_rate * factor
        for group in kwargs["optimizer"].param_groups:
            # PyTorch's schedulers note there what the group began with.
            group["lr"] = group["initial_lr"] * factor

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Give way to chat between the parts of a step."""
        self.give_way()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Give way to chat; stop when the time is used up."""
        self.give_way()
        if self.together(self.progress(state.global_step, state.max_steps) >= 1):
            control.should_training_stop = True
            # The last state is a candidate for the best one.
            control.should_evaluate = control.should_save = args.eval_strategy != "no"

    def together(self, answer: bool) -> bool:
        """One answer for all processes of a training: clocks differ, and one that goes on alone waits for ever."""
        import torch

        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return answer
        from accelerate.utils import broadcast_object_list

        return bool(broadcast_object_list([answer])[0])

    def give_way(self) -> None:
        """Wait while an answer is being generated; the waiting does not count."""
        if self.job.activity_folder is None:
            return
        folder, began = Path(self.job.activity_folder), time.monotonic()
        if not is_answering(folder):
            return
        self.on_pause(True)
        while is_answering(folder) and time.monotonic() - began < _LONGEST_PAUSE_SECONDS:
            time.sleep(0.2)
        self.waited += time.monotonic() - began
        self.on_pause(False)


class Reporting(TrainerCallback):
    """Writes status.json after every step and a line of metrics.jsonl at every log."""

    def __init__(self, folder: Path, pacing: Pacing, pid: int) -> None:
        self.folder, self.pacing, self.pid = folder, pacing, pid
        self.path = folder / "metrics.jsonl"
        self.loss: float | None = None
        self.validation_loss: float | None = None
        self.seconds_before = 0.0
        self.tokens_per_second: float | None = None
        self.step, self.steps = 0, 0

    def resume(self, step: int) -> None:
        """Take up the record at `step`: later lines, of steps that are done again, go; so does a half-written one."""
        kept = [line for line in read_metrics(self.path) if line["step"] <= step]
        write_lines(self.path, kept)
        for line in kept:
            self._take(line)
        self.seconds_before = self.pacing.used_before

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:  # noqa: ARG002
        """Append a metrics line."""
        if not state.is_world_process_zero:
            return
        logs = logs or {}
        self._take(logs)
        if not math.isfinite(logs.get("loss", 0.0)):
            raise TrainError(
                f"the loss is {logs['loss']} at step {state.global_step}: the learning rate is too high for this "
                "model; lower train.learning_rate"
            )
        if "num_tokens" in logs and "loss" in logs:
            # TRL counts from the start of the process, not of the run.
            seconds = self.pacing.seconds - self.seconds_before
            self.tokens_per_second = logs["num_tokens"] / max(seconds, 1e-9)
        # Trainer logs its scheduler's constant; the rate that was used is Pacing's.
        rate = {"learning_rate": self.pacing.rate} if "learning_rate" in logs else {}
        speed = {"tokens_per_second": round(self.tokens_per_second, 1)} if self.tokens_per_second else {}
        line = {"step": state.global_step, "seconds": round(self.pacing.seconds, 1), **logs, **rate, **speed}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Write the status."""
        if state.is_world_process_zero:
            self.write("training", state.global_step, state.max_steps)

    def pause(self, paused: bool) -> None:
        """Write that the training waits for chat, or goes on."""
        self.write("paused" if paused else "training", self.step, self.steps)

    def write(self, state: State, step: int, steps: int) -> None:
        """Write the status as it is now."""
        self.step, self.steps = step, steps
        done = self.pacing.progress(step, steps)
        seconds = self.pacing.seconds
        write_status(
            self.folder,
            Status(
                state=state,
                progress=done,
                step=step,
                steps=steps,
                loss=self.loss,
                validation_loss=self.validation_loss,
                learning_rate=self.pacing.rate or None,
                tokens_per_second=self.tokens_per_second,
                seconds=seconds,
                seconds_left=seconds * (1 - done) / done if done > 0.01 else None,
                pid=self.pid,
            ),
        )

    def _take(self, logs: dict[str, float]) -> None:
        if "loss" in logs:
            self.loss = logs["loss"] if self.loss is None else 0.7 * self.loss + 0.3 * logs["loss"]
        self.validation_loss = logs.get("eval_loss", self.validation_loss)
