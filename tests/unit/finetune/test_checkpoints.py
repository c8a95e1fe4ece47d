"""A checkpoint counts only when all of it is on disk."""

import json

from finetune.checkpoints import MARK, is_whole, last_whole, mark_whole, seconds_used


def checkpoint(folder, step, seconds=None, mark=True):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "optimizer.pt").write_bytes(b"x" * 100)
    (path / "trainer_state.json").write_text("{}")
    if mark:
        mark_whole(path, seconds)
    return path


def test_the_last_whole_one_is_found_and_others_go(tmp_path):
    checkpoint(tmp_path, 5, 10.0)
    good = checkpoint(tmp_path, 10, 20.5)
    unfinished = checkpoint(tmp_path, 15, mark=False)
    assert last_whole(tmp_path) == good
    assert not unfinished.exists()
    assert seconds_used(good) == 20.5


def test_a_file_that_was_cut_off_or_lost_spoils_it(tmp_path):
    first, second = checkpoint(tmp_path, 9), checkpoint(tmp_path, 100)
    (second / "optimizer.pt").write_bytes(b"x" * 99)
    assert not is_whole(second)
    assert last_whole(tmp_path) == first
    (first / "trainer_state.json").unlink()
    assert last_whole(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_broken_mark_is_no_mark(tmp_path):
    path = checkpoint(tmp_path, 1)
    for text in ("", "{", "[]", "{}", "3"):
        (path / MARK).write_text(text)
        assert not is_whole(path)
    assert seconds_used(path) == 0.0
    mark_whole(path)
    assert set(json.loads((path / MARK).read_text())) == {"optimizer.pt", "trainer_state.json"}
