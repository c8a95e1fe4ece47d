"""A list in a file: followed, closed while the file is wrong, comments and empty lines passed over."""

import logging
from pathlib import Path

import pytest

from core.errors import UsersError
from core.followed_file import FollowedFile, numbered_lines


def words(path: Path) -> list[str]:
    found = [text for _, text in numbered_lines(path)]
    if "bad" in found:
        raise UsersError("that is bad")
    return found


def test_comments_and_empty_lines_are_passed_over_and_numbers_stay(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("# head\n\n one \ntwo\n")
    assert list(numbered_lines(path)) == [(3, "one"), (4, "two")]


def test_changes_are_followed_and_a_wrong_file_has_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "list"
    path.write_text("one\n")
    file = FollowedFile(path, words, "nobody comes in")
    assert file.entries() == ["one"]
    path.write_text("one\nbad\n")
    with caplog.at_level(logging.WARNING):
        assert list(file.entries()) == []
    assert "nobody comes in: that is bad" in caplog.text
    path.write_text("one\ntwo\nthree\n")
    assert file.entries() == ["one", "two", "three"]


def test_a_file_that_is_wrong_at_the_start_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("bad\n")
    with pytest.raises(UsersError):
        FollowedFile(path, words, "")
