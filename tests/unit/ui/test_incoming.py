"""Names of uploaded files: plain ones are told apart, those of a folder keep their place in it."""

import json
from pathlib import Path

import pytest

from ui.incoming import folder_names, plain_names


def test_files_of_one_name_are_told_apart():
    files = ["/tmp/1/readme.md", "/tmp/2/readme.md", "/tmp/3/other.md"]
    assert [name for name, _ in plain_names(files)] == ["readme.md", "readme (2).md", "other.md"]


def test_files_of_a_folder_keep_their_place():
    files = ["/tmp/1/readme.md", "/tmp/2/readme.md"]
    named = folder_names(files, json.dumps(["notes/a/readme.md", "notes/b/readme.md"]))
    assert named == [("notes/a/readme.md", Path(files[0])), ("notes/b/readme.md", Path(files[1]))]


@pytest.mark.parametrize(
    "told", ["", "no json", '{"a": 1}', '["notes/a.md"]', '["a/readme.md", "b/tool.exe"]', "[1, 2]"]
)
def test_what_does_not_fit_the_files_is_left_out(told):
    files = ["/tmp/1/readme.md", "/tmp/2/readme.md"]
    assert [name for name, _ in folder_names(files, told)] == ["readme.md", "readme (2).md"]
