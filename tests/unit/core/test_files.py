"""Atomic writes: whatever happens, the old or the new content stands, and nothing else is left behind."""

import errno
import os

import pytest

from core import files
from core.errors import ExampleError, WorkspaceError
from core.files import read_json, sha256_file, sha256_json, write_atomically, write_json, write_lines


def test_writes_text_bytes_and_new_folders(tmp_path):
    write_atomically(tmp_path / "new" / "a", "ä")
    write_atomically(tmp_path / "b", b"\x00")
    assert (tmp_path / "new" / "a").read_bytes() == "ä".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_at_any_step_keeps_the_old_content_and_leaves_nothing(tmp_path, monkeypatch, step, failure):
    path = tmp_path / "a"
    path.write_text("old")

    def fail(*arguments: object) -> None:
        raise failure

    monkeypatch.setattr(files.os, step, fail)
    expected = WorkspaceError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(expected):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_the_data_is_on_disk_before_the_name_points_at_it(tmp_path, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(files.os, name, lambda *a, name=name, real=real: (steps.append(name), real(*a)))
    write_atomically(tmp_path / "a", "x")
    assert steps == ["fsync", "replace"]


def test_a_full_disk_says_so_and_what_to_do(tmp_path):
    error = files.disk_error(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "x")
    assert "no space left" in str(error)
    assert "free some disk" in str(error)
    assert "permissions" in str(files.disk_error(OSError(errno.EACCES, "Permission denied"), tmp_path / "x"))


def test_a_folder_that_cannot_be_made_is_a_workspace_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="file"):
        write_json(tmp_path / "file" / "x.json", {})


def test_json_and_lines_come_back(tmp_path):
    value = {"a": [1, None, "ü\n\u2028"]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    write_lines(tmp_path / "a.jsonl", [value, 2])
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8").count("\n") == 2


def test_missing_and_broken_json_name_the_file_and_take_the_callers_error(tmp_path):
    with pytest.raises(ExampleError, match=r"absent.json is missing"):
        read_json(tmp_path / "absent.json", ExampleError)
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(WorkspaceError, match=r"bad.json cannot be read as JSON"):
        read_json(tmp_path / "bad.json")


def test_hashes_depend_on_content_alone(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_json({"a": 1, "b": [2]}) == sha256_json({"b": [2], "a": 1})
    assert sha256_json([1, 2]) != sha256_json([2, 1])
