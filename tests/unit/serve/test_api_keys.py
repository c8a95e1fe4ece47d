"""Keys in their file: drawn, shown once, kept as hashes, withdrawn without touching other lines."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import ServeError
from graft.cli import main
from serve.api_keys import KeyRing, add_key, read_keys, remove_key


def test_added_key_is_accepted_and_not_written_down(tmp_path):
    path = tmp_path / "keys"
    key = add_key(path, "alice", requests_per_minute=60, max_body_mib=0.5)
    found = KeyRing(path).find(key)
    assert found is not None
    assert (found.name, found.requests_per_minute, found.max_body_mib) == ("alice", 60, 0.5)
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing(path).find(key + "x") is None


@pytest.mark.parametrize(("per_minute", "mib"), [(1_000_000, 0.1234567), (12_345_678, 1e7), (1, 1.0)])
def test_limits_are_read_as_they_were_given(tmp_path, per_minute, mib):
    add_key(tmp_path / "keys", "alice", requests_per_minute=per_minute, max_body_mib=mib)
    (found,) = read_keys(tmp_path / "keys")
    assert (found.requests_per_minute, found.max_body_mib) == (per_minute, mib)


def test_removed_key_is_refused_at_once_and_remarks_stay(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# people")
    alice, bob = add_key(path, "alice"), add_key(path, "bob")
    ring = KeyRing(path)
    remove_key(path, "alice")
    assert (ring.holder(alice), ring.holder(bob)) == (None, "bob")
    assert path.read_text().startswith("# people\nbob:")
    with pytest.raises(ServeError, match="it has bob"):
        remove_key(path, "alice")


def test_without_a_key_nobody_gets_in_unless_there_are_other_ways(tmp_path):
    path = tmp_path / "keys"
    key = add_key(path, "alice")
    ring = KeyRing(path, may_be_empty=True)
    remove_key(path, "alice")
    assert ring.find(key) is None
    assert KeyRing(path, may_be_empty=True).find(key) is None
    with pytest.raises(ServeError, match="holds no key"):
        KeyRing(path)


def test_no_writer_undoes_what_another_did(tmp_path):
    path, names = tmp_path / "keys", [f"key{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: add_key(path, name), names))
        assert {key.name for key in read_keys(path)} == set(names)
        list(pool.map(lambda name: remove_key(path, name), names[1:]))
    assert [key.name for key in read_keys(path)] == names[:1]


def test_nothing_is_made_for_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ServeError, match="cannot be read"):
        remove_key(tmp_path / "misspelt" / "keys", "alice")
    assert not (tmp_path / "misspelt").exists()


def test_name_must_be_free_and_one_word(tmp_path):
    add_key(tmp_path / "keys", "alice")
    with pytest.raises(ServeError, match="already"):
        add_key(tmp_path / "keys", "alice")
    with pytest.raises(ServeError, match="no name"):
        add_key(tmp_path / "keys", "a b")


@pytest.mark.parametrize(
    "limits", ["requests_per_minute=0", "requests_per_minute=x", "max_body_mib=-1", "speed=9", "x"]
)
def test_limits_that_make_no_sense_are_named_by_line(tmp_path, limits):
    (tmp_path / "keys").write_text(f"\nalice:{'0' * 64} {limits}\n")
    with pytest.raises(ServeError, match="line 2"):
        read_keys(tmp_path / "keys")


def test_commands_add_list_and_remove(tmp_path, capsys):
    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["keys", *arguments, "--workspace", str(tmp_path / "ws")])
        assert ended.value.code == 0
        return capsys.readouterr().out

    key = json.loads(run("add", "alice", "--requests-per-minute", "60", "--json"))["key"]
    assert KeyRing(tmp_path / "ws" / "keys.txt").holder(key) == "alice"
    assert run("list") == "alice  60 requests a minute\n"
    run("remove", "alice")
    assert run("list") == ""
