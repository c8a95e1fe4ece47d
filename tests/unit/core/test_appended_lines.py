"""Lines are added whole, whatever a kill has left behind; the rest stays to the byte."""

import json

import pytest

from core.appended_lines import append_line, appended_lines
from core.errors import WorkspaceError

VALUES = [{"a": 1}, {"text": "a\u2028b\nc"}, ["ü"]]


def read(path):
    return [(number, json.loads(line)) for number, line in appended_lines(path)]


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "new" / "a.jsonl"
    assert read(path) == []
    for value in VALUES:
        append_line(path, value)
    assert read(path) == list(enumerate(VALUES, start=1))


def test_a_kill_at_any_byte_costs_the_last_line_alone(tmp_path):
    path = tmp_path / "a.jsonl"
    for value in VALUES:
        append_line(path, value)
    data = path.read_bytes()
    before = len(b"".join(data.splitlines(keepends=True)[:-1]))
    for size in range(before, len(data) + 1):
        path.write_bytes(data[:size])
        whole = VALUES if size >= len(data) - 1 else VALUES[:2]
        assert [value for _, value in read(path)] == whole
        append_line(path, "next")
        assert [value for _, value in read(path)] == [*whole, "next"]
        assert path.read_bytes().endswith(b'\n"next"\n')


def test_lines_that_somebody_edited_are_given_with_their_number(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n\nnot JSON\n\xff\n2\n')
    assert list(appended_lines(path)) == [(1, b'{"a": 1}'), (3, b"not JSON"), (4, b"\xff"), (5, b"2")]


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot write"):
        append_line(tmp_path / "file" / "a.jsonl", 1)
