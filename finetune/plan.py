"""What a training will take, told before it starts: parameters, tokens, memory, time; and whether it fits.

Parameters are counted on the model's shapes, tokens on the rows. Memory follows from both by the formulas
below; time from a run of the same kind on this machine, or else from the speed of its matrix products.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.errors import TrainError
from finetune.job import Job
from finetune.machine_speed import SHARES, Machine
from finetune.presets import may_be_fast
from finetune.sizes import ModelSizes, model_sizes
from finetune.steps import batch_sizes, steps_of
from finetune.validation import split_rows

GIB = 1 << 30
# Interpreter, torch, transformers, tokenised rows; on a GPU its context and the allocator's slack.
_PROCESS = 1.1 * GIB
_GPU_CONTEXT = 1.2 * GIB
# Tokens of the packs that one worker of the fast path holds (finetune.fast_packs).
_PACK_TOKENS = 2048
# What TRL's own path took on a CPU where activations are computed again, as a multiple of what can be counted.
_MEASURED_ABOVE = 3.0
# NF4: half a byte, and its quantised constants.
_FOUR_BITS = 0.53
# Steps of the rate that short trainings need; after two of them answers were rubbish, after ten they were not.
_FEW_STEPS = 10


class Plan(BaseModel):
    """What a job will take. Memory in GiB on each device, by what it is for; `seconds` from start to end.

    `likely_steps` are those of `steps` that the minutes suffice for; `speed` is tokens a second over all processes,
    `speed_from` where that figure comes from.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    base: str
    device: str
    processes: int
    fast_path: bool
    parameters: int
    trainable: int
    rows: int
    held_out: int
    tokens: int
    longest: int
    epochs: float
    steps: int
    likely_steps: int
    memory: dict[str, float]
    available: float
    speed: float
    speed_from: str
    seconds: float
    max_minutes: float

    @property
    def needs(self) -> float:
        """GiB in all."""
        return sum(self.memory.values())

    @property
    def ends_early(self) -> bool:
        """Whether the minutes end before the passes do."""
        return self.seconds >= 60 * self.max_minutes

    @property
    def few_steps(self) -> bool:
        """Whether so few steps rather spoil a model's answers than teach it."""
        return self.likely_steps < _FEW_STEPS

    def lines(self) -> list[str]:
        """The plan for people, one fact a line."""
        share = 100 * self.trainable / self.parameters
        parts = ", ".join(f"{name} {size:.1f}" for name, size in self.memory.items())
        limit = f", ended by its limit of {self.max_minutes:g} minutes" if self.ends_early else ""
        where = f"{self.device}, {self.processes} processes" if self.processes > 1 else self.device
        path = "Graft's fast path" if self.fast_path else "TRL's own path"
        warning = (
            f"warning     about {self.likely_steps} steps are too few to learn from and may spoil the answers: add "
            "examples, raise --epochs or --max-minutes, or lower --rows-per-step"
        )
        return [
            f"method      {self.method} of {self.base} on {where}, {path}",
            f"parameters  {self.trainable:,} of {self.parameters:,} are trained ({share:.3g}%)",
            f"data        {self.rows} rows, {self.tokens:,} tokens, longest row {self.longest}"
            + (f"; {self.held_out} rows held out to validate on" if self.held_out else ""),
            f"steps       {self.steps}, {self.epochs:.3g} passes over the data{limit}",
            f"memory      about {self.needs:.1f} GiB ({parts}); {self.available:.1f} GiB are free",
            f"time        about {_duration(self.seconds)} at {self.speed:,.0f} tokens/s ({self.speed_from})",
            *([warning] if self.few_steps else []),
        ]

    def check(self) -> None:
        """Raise TrainError with figures and remedies where memory will not do."""
        if self.needs <= self.available:
            return
        parts = ", ".join(f"{name} {size:.1f}" for name, size in self.memory.items())
        remedies = []
        if self.method in ("full", "dora"):
            remedies.append("--method lora")
        elif self.method in ("lora", "rslora") and not self.fast_path:
            remedies.append("--method qlora")
        if self.memory.get("activations", 0) > 0.25 * self.needs:
            remedies.append("a smaller --rows-per-step")
        remedies.append("a smaller --llm")
        raise TrainError(
            f"{self.method} of {self.base} needs about {self.needs:.1f} GiB ({parts}), and {self.available:.1f} GiB "
            f"are free on this {self.device}: use {' or '.join(remedies)}, free memory, or say --ignore-memory to try"
        )


def make_plan(job: Job, runs: Path, machine: Machine) -> Plan:
    """The plan of a job. `runs` holds earlier runs of the domain, whose measured speed counts for more than a guess."""
    rows, held_out = split_rows(_rows(job), job.validation_share, job.seed)
    sizes = model_sizes(Path(job.base), job)
    fast = machine.device == "cpu" and sizes.fast_layers and may_be_fast(job.method, job.dropout, job.processes)
    counts = [row["tokens"] for row in rows]
    tokens = sum(counts)
    steps = steps_of(job, len(rows))
    passes = steps * job.rows_per_step / max(len(rows), 1)
    passes = passes if job.max_steps else min(job.epochs, passes)  # so many steps are done, however often that is
    speed, source = _speed(job, runs, sizes, machine, fast)
    held_out_tokens = sum(row["tokens"] for row in held_out) * min(8, steps)
    seconds = (tokens * passes + held_out_tokens / 3) / max(speed, 1e-9)
    limit = 60 * job.max_minutes
    return Plan(
        method=job.method,
        base=job.base_name,
        device=machine.name,
        processes=job.processes,
        fast_path=fast,
        parameters=sizes.parameters,
        trainable=sizes.trainable,
        rows=len(rows),
        held_out=len(held_out),
        tokens=tokens,
        longest=max(counts, default=0),
        epochs=passes,
        steps=steps,
        likely_steps=round(steps * min(1.0, limit / seconds)) if seconds else steps,
        memory={name: round(size / GIB, 2) for name, size in memory(job, sizes, counts, machine, fast=fast).items()},
        available=round(machine.available / GIB, 2),
        speed=speed,
        speed_from=source,
        seconds=min(seconds, limit),
        max_minutes=job.max_minutes,
    )


def memory(job: Job, sizes: ModelSizes, counts: Sequence[int], machine: Machine, *, fast: bool) -> Mapping[str, float]:
    """Bytes on each device by what they are for. `counts` are tokens per row."""
    gpu = machine.device != "cpu"
    shards = job.processes if gpu and not job.facts.quantised else 1
    full = job.facts.trains == "weights"
    weights = 4.0 * sizes.parameters if full else machine.element * sizes.parameters
    if job.facts.quantised:
        weights = _FOUR_BITS * sizes.linear + machine.element * (sizes.parameters - sizes.linear)
    if fast:
        weights *= 2  # laid out once more for the fast path
    # Gradient and two moments of Adam in full precision, and the adapter itself; full has its weights above.
    state = (12.0 if full else 16.0) * sizes.trainable
    if job.parent:
        state += 4.0 * sizes.trainable  # the frozen copy that preferences are compared with
    # A whole model is written from a copy in full precision, beside what was trained.
    writing = 6.0 * sizes.parameters if job.facts.result == "model" else 0.0
    return {
        "weights": weights / shards,
        "gradients and optimiser": state / shards,
        "activations": _activations(job, sizes, counts, machine, fast=fast),
        "process": (0.0 if gpu else writing) + (_GPU_CONTEXT if gpu else _PROCESS * job.processes),
    }


def _activations(job: Job, sizes: ModelSizes, counts: Sequence[int], machine: Machine, *, fast: bool) -> float:
    longest = max(counts, default=0)
    per_token = 1.0 * machine.element * sizes.layers * (7 * sizes.hidden + 3 * sizes.inner)
    if fast:
        packs = min(sum(sorted(counts)[-job.rows_per_step :]), machine.workers * max(_PACK_TOKENS, longest))
        return per_token * packs
    batch, _ = batch_sizes(job, cuda=machine.device != "cpu")
    width = 1.0 * machine.element if job.facts.trains == "adapter" or machine.device != "cpu" else 4.0
    tokens = batch * longest * (2 if job.facts.data == "pairs" else 1)
    checkpointed = machine.checkpoints if job.checkpointing is None else job.checkpointing
    # On a CPU, PEFT's layers were measured to take about as much as if nothing was computed again.
    checkpointed = checkpointed and not (job.facts.trains == "adapter" and machine.device == "cpu")
    # One layer in full (twice while it is computed again), the inputs of the others; without, all of them, with
    # autograd's own copies.
    kept = (sizes.layers * sizes.hidden + 2 * (10 * sizes.hidden + 6 * sizes.inner)) if checkpointed else None
    elements = kept if kept is not None else sizes.layers * (14 * sizes.hidden + 6 * sizes.inner)
    # Logits come in chunks, in full precision with their gradient.
    logits = 2 * 4.0 * min(tokens, 1024) * sizes.vocabulary
    copies = job.processes if machine.device == "cpu" else 1
    return copies * ((_MEASURED_ABOVE if checkpointed else 1.0) * width * elements * tokens + logits)


def _speed(job: Job, runs: Path, sizes: ModelSizes, machine: Machine, fast: bool) -> tuple[float, str]:
    """Tokens a second, and where the figure comes from."""
    known = _measured(job, runs)
    if known is not None:
        return known, "as an earlier run here"
    # Forward, and backward to the inputs; backward to the weights and computing again come on top.
    passes = 4.0 + (2.0 if job.facts.trains == "weights" else 0.0) + (0.0 if fast else 2.0)
    if job.facts.data != "rows":
        passes += 2.0  # the reference
    share = SHARES["fast" if fast else "quantised" if job.facts.quantised else machine.device]
    flops = passes * (sizes.linear + (sizes.trainable if job.facts.trains == "adapter" else 0))
    return job.processes * share * machine.flops / max(flops, 1.0), "a guess from this machine's matrix products"


def _measured(job: Job, runs: Path) -> float | None:
    """The speed of the last finished run of this method, base and number of processes."""
    for path in sorted(runs.glob("*/status.json"), key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            status = json.loads(path.read_text(encoding="utf-8"))
            other = json.loads((path.parent / "job.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        same = all(other.get(key) == getattr(job, key) for key in ("method", "base_name", "processes", "dropout"))
        speed = (status.get("metrics") or {}).get("tokens_per_second")
        if status.get("state") == "done" and same and speed:
            return float(speed)
    return None


def _rows(job: Job) -> list[dict[str, Any]]:
    with Path(job.rows).open(encoding="utf-8") as file:
        return [{"tokens": row.get("tokens", 0), "record": row["record"]} for row in map(json.loads, file)]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
