"""`graft init`: what it writes loads, and it loses and overwrites nothing."""

import os

import pytest

from core.errors import PackError
from core.pack import load_pack
from graft.build import SHIPPED_PACKS
from graft.init_pack import init_pack


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    (folder / "deep er").mkdir(parents=True)
    (folder / "a.md").write_text("# A")
    (folder / "deep er" / "ü '\"\n.txt").write_bytes(b"\xff\x00")
    return folder


def test_the_pack_loads_and_holds_every_document(docs, tmp_path):
    path = init_pack("plants", docs, tmp_path / "new" / "plants")
    pack = load_pack(str(path), SHIPPED_PACKS, tmp_path)
    assert pack.name == "plants"
    assert pack.train_examples == []
    (corpus,) = pack.corpus_paths
    found = {str(p.relative_to(corpus)): p.read_bytes() for p in corpus.rglob("*") if p.is_file()}
    assert found == {"a.md": b"# A", "deep er/ü '\"\n.txt": b"\xff\x00"}
    assert (path / "README.md").is_file()


@pytest.mark.parametrize("name", ["on", "null", "a-b-1"])
def test_names_that_yaml_reads_otherwise_stay_names(docs, tmp_path, name):
    pack = load_pack(str(init_pack(name, docs, tmp_path / "p")), SHIPPED_PACKS, tmp_path)
    assert pack.name == name
    assert isinstance(pack.title, str)


def test_the_folder_is_named_after_the_pack(docs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert init_pack("plants", docs).resolve() == tmp_path / "plants"


def test_a_single_file_is_a_corpus(docs, tmp_path):
    assert (init_pack("plants", docs / "a.md", tmp_path / "p") / "corpus" / "a.md").is_file()


def test_what_is_left_out_is_said(docs, tmp_path):
    (docs / ".git").mkdir()
    (docs / ".git" / "config").touch()
    os.mkfifo(docs / "pipe")
    (docs / "loop").symlink_to(docs, target_is_directory=True)
    (docs / "dangling").symlink_to(docs / "gone")
    (docs / "link.md").symlink_to(docs / "a.md")
    said = []
    path = init_pack("plants", docs, tmp_path / "p", said.append)
    assert sorted(line.split(": ")[0].rsplit("/", 1)[1] for line in said) == [".git", "dangling", "loop", "pipe"]
    assert (path / "corpus" / "link.md").read_text() == "# A"
    assert not (path / "corpus" / "link.md").is_symlink()


@pytest.mark.parametrize(
    ("name", "message"),
    [("Plants", "lower-case"), ("../x", "lower-case"), ("", "lower-case"), ("django", "ships with Graft")],
)
def test_a_bad_name_writes_nothing(docs, tmp_path, name, message):
    with pytest.raises(PackError, match=message):
        init_pack(name, docs, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_nothing_is_overwritten(docs, tmp_path):
    target = tmp_path / "p"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(PackError, match="exists already"):
        init_pack("plants", docs, target)
    assert [p.name for p in target.iterdir()] == ["mine.txt"]


def test_missing_or_empty_documents_are_an_error(tmp_path):
    with pytest.raises(PackError, match="no such folder"):
        init_pack("plants", tmp_path / "absent", tmp_path / "p")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackError, match="holds no files"):
        init_pack("plants", tmp_path / "empty", tmp_path / "p")


def test_the_pack_may_stand_inside_the_documents(docs):
    path = init_pack("plants", docs, docs / "plants")
    assert not (path / "corpus" / "plants").exists()
    assert (path / "corpus" / "a.md").is_file()


def test_a_failed_copy_leaves_nothing_behind(docs, tmp_path, monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graft.init_pack.shutil.copyfile", full)
    with pytest.raises(Exception, match="no space left"):
        init_pack("plants", docs, tmp_path / "out" / "p")
    assert list((tmp_path / "out").iterdir()) == []
