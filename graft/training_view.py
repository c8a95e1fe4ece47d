"""What trainings are at, read from their files: the record, the run's status and metrics. Starts and stops nothing."""

import time
from collections.abc import Mapping
from pathlib import Path

from core.errors import TrainError
from core.files import read_json
from core.processes import is_alive
from core.training_desk import Point, RunRow, RunState, TrainingView
from core.training_figures import TrainingFigures
from finetune.job import Job, Status, read_metrics, read_status
from finetune.launch import JOB, last_unfinished
from graft.one_training import domain_in_training
from graft.training_record import STARTED, TrainingRecord, goes_on, read_record, read_started

_MOST_POINTS = 400
# While a run has its process, the run's own folder says more than the record.
_IN_RUN = ("training", "paused")


def look(runs: Path) -> TrainingView:
    """What the training that was started last is at."""
    started, alive = read_started(runs), goes_on(runs)
    record = read_record(runs)  # after that look: what has ended has said its last word
    if not alive and record is not None and goes_on(runs):
        return look(runs)  # it began between the two looks
    if started is not None and (record is None or record.started < started.time):
        if is_alive(started.pid):
            return TrainingView(state="starting")
        if not alive:
            return TrainingView(state="failed", detail=_last_words(Path(started.log)), resumable=_resumable(runs))
    if record is None:
        return TrainingView(resumable=_resumable(runs))
    return _recorded(runs, record, alive=alive)


def domain_that_trains(trainings: Path) -> str | None:
    """The domain whose training goes on or is being started, below a workspace's folder of runs; or None."""
    starting = (path.parent for path in trainings.glob(f"*/{STARTED}"))
    return domain_in_training(trainings) or next(
        (runs.name for runs in starting if look(runs).state == "starting"), None
    )


def run_rows(runs: Path, published: Mapping[str, str]) -> list[RunRow]:
    """Every run folder, newest first. `published` are names of adapters by run."""
    rows = []
    for path in sorted(runs.glob(f"*/{JOB}"), key=lambda path: path.stat().st_mtime, reverse=True):
        job, status = read_job(path.parent), read_status(path.parent)
        row = RunRow(
            run=path.parent.name,
            method=job.method,
            preset=job.preset,
            started=time.strftime("%Y-%m-%d %H:%M", time.gmtime(path.stat().st_mtime)),
            done=status.state == "done",
            step=status.step,
            steps=status.steps,
            loss=status.loss,
            adapter=published.get(path.parent.name),
        )
        rows.append(row)
    return rows


def read_job(run: Path) -> Job:
    """The job of a run folder. Raises TrainError."""
    return Job.model_validate(read_json(run / JOB, TrainError))


def _recorded(runs: Path, record: TrainingRecord, *, alive: bool) -> TrainingView:
    state: RunState = record.status.state
    detail = record.status.detail
    # Its last word may come while it still lives.
    over = state == "failed" or (not alive and state != "done")
    if over:
        stopped = record.cancelled or state != "failed"
        state, detail = ("stopped", "") if stopped else ("failed", detail)
    view = TrainingView(
        state=state,
        detail=detail,
        progress=record.status.progress,
        loss=record.status.loss,
        run=record.run,
        plan=record.plan,
        adapter=record.adapter,
        resumable=over and _resumable(runs),
    )
    run = runs / record.run if record.run else None
    if run is None or not (run / JOB).exists():
        return view
    job, status = read_job(run), read_status(run)
    known = {"method": job.method, "preset": job.preset, "points": _points(run), **_figures(status)}
    if state in _IN_RUN:
        known["state"] = "paused" if status.state == "paused" else "training"
        known["progress"] = status.progress
    return view.model_copy(update=known)


def _figures(status: Status) -> dict[str, object]:
    found = status.model_dump(include=set(TrainingFigures.model_fields) - {"progress"})
    found["tokens_per_second"] = status.tokens_per_second or status.metrics.get("tokens_per_second")
    return {**found, "seconds_left": status.seconds_left if status.state == "training" else None}


def _points(run: Path) -> list[Point]:
    """The metrics as points, thinned where there are more than a plot can show."""
    found = [
        Point(
            step=int(line["step"]),
            loss=line.get("loss"),
            validation_loss=line.get("eval_loss"),
            tokens_per_second=line.get("tokens_per_second"),
        )
        for line in read_metrics(run / "metrics.jsonl")
    ]
    kept = [point for point in found if point.loss is not None or point.validation_loss is not None]
    every = -(-len(kept) // _MOST_POINTS) or 1
    return [
        point
        for number, point in enumerate(kept)
        if number % every == 0 or point.validation_loss is not None or number == len(kept) - 1
    ]


def _resumable(runs: Path) -> bool:
    return last_unfinished(runs) is not None


def _last_words(log: Path) -> str:
    """The last line that a command wrote, without the name that it begins with."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("graft: ") if lines else f"the training ended without a word; see {log}"
