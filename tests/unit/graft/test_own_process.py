"""Commands that outlive the page: what they say of themselves, and what is made of one that says nothing any more."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import count
from types import SimpleNamespace

import pytest

from core.errors import LabError, RequestError
from core.settings import load_settings
from core.workspace import Workspace
from graft import own_process
from graft.own_process import begun, cancel, go_on, is_running, progress_of, recorded
from graft.pace import Pace


def quiet(*_):
    """Nobody listens."""


def test_a_command_tells_how_far_it_is_and_how_it_ended(tmp_path):
    with recorded(tmp_path, ["lab", "--arms", "rag"], Pace(["rag"])) as record:
        assert progress_of(tmp_path).state == "running"
        record.progress(quiet)("rag", 0, 4)
        record.said = "4 asked"
        assert is_running(tmp_path)
    assert begun(tmp_path)[0] == ["lab", "--arms", "rag"]
    found = progress_of(tmp_path)
    assert (found.state, found.share, found.detail) == ("done", 1.0, "4 asked")


@pytest.mark.parametrize(
    ("error", "state", "detail"),
    [
        (LabError("the model is gone"), "failed", "the model is gone"),
        (KeyboardInterrupt(), "stopped", ""),
        (ValueError("a flaw"), "failed", "ValueError: a flaw"),
    ],
)
def test_an_end_with_an_error_is_the_last_word(tmp_path, error, state, detail):
    with pytest.raises(type(error)), recorded(tmp_path, [], Pace([])):
        raise error
    found = progress_of(tmp_path)
    assert (found.state, found.detail) == (state, detail)


def test_a_command_that_was_killed_was_stopped(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    (tmp_path / "progress.json").write_text(json.dumps({"state": "running", "share": 0.5}))
    (tmp_path / "process.json").write_text(json.dumps({"arguments": ["lab"], "pid": process.pid, "born": time.time()}))
    (tmp_path / "process.log").write_text("rag 3 of 4\ngraft: the model is gone\n")
    found = progress_of(tmp_path)
    assert (found.state, found.share, found.detail) == ("stopped", 0.5, "the model is gone")


def test_another_process_of_the_same_number_is_not_it(tmp_path):
    (tmp_path / "progress.json").write_text(json.dumps({"state": "running"}))
    (tmp_path / "process.json").write_text(json.dumps({"arguments": [], "pid": os.getpid(), "born": 1.0}))
    assert progress_of(tmp_path).state == "stopped"
    cancel(tmp_path)  # and is left alone


def test_there_was_never_one(tmp_path):
    assert progress_of(tmp_path) is None
    assert not is_running(tmp_path)
    with pytest.raises(RequestError, match="not known"):
        go_on(tmp_path, load_settings({}, None, {}), Workspace(tmp_path))


def test_a_command_is_known_by_what_started_it(tmp_path, monkeypatch):
    started = []

    def start_command(settings, workspace, log, *arguments):
        started.append((log, arguments))
        return os.getpid()

    monkeypatch.setattr(own_process, "start_command", start_command)
    settings, workspace = load_settings({}, None, {}), Workspace(tmp_path)
    own_process.start(["lab", "--arms", "rag"], tmp_path, settings, workspace)
    assert started == [(tmp_path / "process.log", ("lab", "--arms", "rag"))]
    assert progress_of(tmp_path).state == "running"
    with pytest.raises(RequestError, match="running already"):
        go_on(tmp_path, settings, workspace)


@pytest.mark.parametrize("leads_a_group", [True, False])
def test_a_command_is_cancelled_in_whatever_group_it_runs(tmp_path, leads_a_group):
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=leads_a_group,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        born = own_process._born(process.pid)
        (tmp_path / "process.json").write_text(json.dumps({"arguments": [], "pid": process.pid, "born": born}))
        cancel(tmp_path)
        assert process.wait(5) == -signal.SIGINT
    finally:
        process.kill()
        process.wait()


def test_a_command_that_does_not_end_is_told(tmp_path, monkeypatch):
    signals = []
    monkeypatch.setattr(own_process, "_signal", lambda pid, number: signals.append(number))
    monkeypatch.setattr(own_process, "_CANCEL_SECONDS", 0.0)
    clock = SimpleNamespace(monotonic=count(step=5.0).__next__, sleep=lambda _: None)
    monkeypatch.setattr(own_process, "time", clock)
    born = own_process._born(os.getpid())
    (tmp_path / "process.json").write_text(json.dumps({"arguments": [], "pid": os.getpid(), "born": born}))
    with pytest.raises(RequestError, match=f"process {os.getpid()} of .* does not end"):
        cancel(tmp_path)
    assert signals == [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
