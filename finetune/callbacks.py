"""What happens between training steps: the rate follows time and steps, progress is written, chat goes first."""

import json
import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from core.activity import is_answering
from finetune.job import Job, State, Status, write_status

_LONGEST_PAUSE_SECONDS = 600.0


class Pacing(TrainerCallback):
    """Runs a training within its minutes: warm-up, then cosine decay over what ends first, the steps or the time.

    Time spent waiting for chat does not count. Resumable: the seconds used are kept beside each checkpoint.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self.job, self.folder = job, folder
        self.used_before = 0.0
        self.waited = 0.0
        self.rate = 0.0
        self.started = time.monotonic()

    def resume(self, checkpoint: Path) -> None:
        """Take over the seconds used before `checkpoint` was written."""
        path = checkpoint / "seconds.json"
        self.used_before = float(json.loads(path.read_text())) if path.exists() else 0.0

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
        self.rate = self.job.learning_rate * max(factor, 0.02)
        for group in kwargs["optimizer"].param_groups:
            group["lr"] = self.rate

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Give way to chat between the parts of a step."""
        self.give_way()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Give way to chat; stop when the time is used up."""
        self.give_way()
        if self.progress(state.global_step, state.max_steps) >= 1:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Keep the seconds used beside the checkpoint."""
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if checkpoint.is_dir():
            (checkpoint / "seconds.json").write_text(json.dumps(self.seconds))

    def give_way(self) -> None:
        """Wait while an answer is being generated; the waiting does not count."""
        if self.job.activity_folder is None:
            return
        folder, began = Path(self.job.activity_folder), time.monotonic()
        while is_answering(folder) and time.monotonic() - began < _LONGEST_PAUSE_SECONDS:
            time.sleep(0.2)
        self.waited += time.monotonic() - began


class Reporting(TrainerCallback):
    """Writes status.json after every step and a line of metrics.jsonl at every log."""

    def __init__(self, folder: Path, pacing: Pacing, pid: int) -> None:
        self.folder, self.pacing, self.pid = folder, pacing, pid
        self.loss: float | None = None
        self.tokens_at_start: float | None = None
        self.tokens_per_second: float | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:  # noqa: ARG002
        """Append a metrics line."""
        logs = logs or {}
        if "loss" in logs:
            self.loss = logs["loss"] if self.loss is None else 0.7 * self.loss + 0.3 * logs["loss"]
        if "num_tokens" in logs:
            self.tokens_per_second = logs["num_tokens"] / max(self.pacing.seconds, 1e-9)
        # Trainer logs its scheduler's constant; the rate that was used is Pacing's.
        rate = {"learning_rate": self.pacing.rate} if "learning_rate" in logs else {}
        line = {"step": state.global_step, "seconds": round(self.pacing.seconds, 1), **logs, **rate}
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Write the status."""
        self.write("training", state.global_step, state.max_steps)

    def write(self, state: State, step: int, steps: int) -> None:
        """Write the status as it is now."""
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
                tokens_per_second=self.tokens_per_second,
                seconds=seconds,
                seconds_left=seconds * (1 - done) / done if done > 0.01 else None,
                pid=self.pid,
            ),
        )
