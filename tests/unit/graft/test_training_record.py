"""What a training is at, read from files: while it lives, when it was cancelled or killed, and before it speaks."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from core.errors import TrainError, TrainingCancelledError
from core.files import write_json
from core.folder_lock import try_lock
from core.service import TrainingStatus
from finetune.job import Job, Status, write_status
from graft.training_record import STARTED, Recorder, ask_to_cancel, goes_on, read_record, recorded
from graft.training_view import look, run_rows

JOB = Job(domain="garden", base="b", base_name="b", rows="r", data_hash="d", prompt_hash="p", method="rslora")


def write_run(runs, state="training", **status):
    folder = runs / JOB.key
    write_json(folder / "job.json", JOB.model_dump())
    (folder / "rows.jsonl").write_text("{}\n")
    write_json(folder / "card.json", {"domain": "garden", "data_hash": "d", "prompt_hash": "p", "test_hash": None,
                                      "inputs": "", "rows": 1, "records": 1})  # fmt: skip
    write_status(folder, Status.model_validate({"state": state, "step": 2, "steps": 4, "progress": 0.5} | status))
    lines = [{"step": n, "loss": 4.0 / n, "tokens_per_second": 100.0} for n in (1, 2)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 3, "lo')
    return folder


def test_nothing_was_ever_trained(tmp_path):
    assert look(tmp_path / "none").state == "none"
    assert run_rows(tmp_path / "none", {}) == []


def test_a_training_that_goes_on_is_read_from_its_run(tmp_path):
    with recorded(tmp_path, "garden") as recorder:
        recorder.tell(TrainingStatus(state="preparing", detail="training data 3 of 9", progress=1 / 3))
        view = look(tmp_path)
        assert (view.state, view.detail, view.busy) == ("preparing", "training data 3 of 9", True)
        write_run(tmp_path, pid=os.getpid(), loss=2.5, seconds_left=9.0)
        recorder.note(run=JOB.key, plan=["time about 9 minutes"])
        recorder.tell(TrainingStatus(state="training"))
        view = look(tmp_path)
        assert (view.state, view.step, view.steps, view.loss, view.seconds_left) == ("training", 2, 4, 2.5, 9.0)
        assert [point.loss for point in view.points] == [4.0, 2.0]
        assert (view.method, view.plan, view.resumable) == ("rslora", ["time about 9 minutes"], False)
        assert goes_on(tmp_path)
    assert not goes_on(tmp_path)
    # Its process ended without a word: what it did can go on.
    view = look(tmp_path)
    assert (view.state, view.busy, view.resumable) == ("stopped", False, True)


def test_only_one_at_a_time(tmp_path):
    with recorded(tmp_path, "garden"):
        with pytest.raises(TrainError, match=f"process {os.getpid()}"), recorded(tmp_path, "garden"):
            pass
        assert goes_on(tmp_path)


def test_whoever_only_looks_keeps_nobody_from_training(tmp_path):
    handle = try_lock(tmp_path)
    threading.Timer(0.01, os.close, [handle]).start()
    with recorded(tmp_path, "garden"):
        assert goes_on(tmp_path)


def test_one_that_ends_while_it_is_looked_at_is_not_taken_for_stopped(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path)
    recorder.tell(TrainingStatus(state="training"))

    def it_ends_now(runs):
        recorder.tell(TrainingStatus(state="done", detail="garden@1"))
        return False

    monkeypatch.setattr("graft.training_view.goes_on", it_ends_now)
    assert look(tmp_path).state == "done"


def test_one_that_begins_is_never_taken_for_none_or_stopped(tmp_path, monkeypatch):
    with recorded(tmp_path, "garden"):
        assert (look(tmp_path).state, look(tmp_path).busy) == ("preparing", True)
        looks = iter([False, True, True])
        monkeypatch.setattr("graft.training_view.goes_on", lambda runs: next(looks))
        assert look(tmp_path).busy


def test_cancelled_at_its_next_word(tmp_path):
    ask_to_cancel(tmp_path)  # left over from one before
    with recorded(tmp_path, "garden") as recorder:
        recorder.tell(TrainingStatus(state="training"))
        ask_to_cancel(tmp_path)
        with pytest.raises(TrainingCancelledError, match="--resume"):
            recorder.tell(TrainingStatus(state="training", progress=0.1))
        recorder.tell(TrainingStatus(state="failed", detail="the training was cancelled"))
        assert look(tmp_path).state == "stopped"  # also while its process is still ending
    assert read_record(tmp_path).cancelled
    assert look(tmp_path).state == "stopped"


def test_a_wish_to_cancel_while_it_starts_is_heeded(tmp_path):
    for mine in (True, False):
        started = {"pid": os.getpid() if mine else os.getppid(), "time": time.time() - 5, "log": ""}
        write_json(tmp_path / STARTED, started)
        ask_to_cancel(tmp_path)
        with recorded(tmp_path, "garden") as recorder:
            if mine:
                with pytest.raises(TrainingCancelledError):
                    recorder.tell(TrainingStatus(state="preparing"))
            else:
                recorder.tell(TrainingStatus(state="preparing"))


def test_what_is_being_published_is_not_cancelled(tmp_path):
    with recorded(tmp_path, "garden") as recorder:
        ask_to_cancel(tmp_path)
        recorder.tell(TrainingStatus(state="publishing"))
        recorder.tell(TrainingStatus(state="done", detail="garden@1"))
        recorder.note(adapter="garden@1")
    view = look(tmp_path)
    assert (view.state, view.adapter, view.resumable) == ("done", "garden@1", False)


def test_a_failure_keeps_its_reason(tmp_path):
    with recorded(tmp_path, "garden") as recorder:
        recorder.tell(TrainingStatus(state="failed", detail="needs about 99 GiB"))
    view = look(tmp_path)
    assert (view.state, view.detail) == ("failed", "needs about 99 GiB")


def test_a_command_that_has_no_record_yet_is_starting_and_one_that_died_says_why(tmp_path):
    Recorder(tmp_path).note()  # of an earlier training
    log = tmp_path / "train.log"
    log.write_text("graft: setting 'train.rank' is wrong\n\n")
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    write_json(tmp_path / STARTED, {"pid": sleeper.pid, "time": time.time() + 1, "log": str(log)})
    assert look(tmp_path).state == "starting"
    sleeper.kill()
    sleeper.wait()
    view = look(tmp_path)
    assert (view.state, view.detail) == ("failed", "setting 'train.rank' is wrong")


def test_runs_say_what_was_published_of_them(tmp_path):
    write_run(tmp_path, state="done")
    (row,) = run_rows(tmp_path, {JOB.key: "garden@1"})
    assert (row.method, row.done, row.adapter) == ("rslora", True, "garden@1")
    (row,) = run_rows(tmp_path, {})
    assert row.adapter is None
