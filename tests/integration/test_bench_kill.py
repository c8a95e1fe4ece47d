"""A short run of the kill bench; and that what it looks for would be found."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from bench import kill_checks, kill_child
from bench.kill_corpus import ChangingCorpus
from core.index import CorpusFiles
from ingest.pipeline import ingest_corpus
from ingest.pool import ParserPool
from ingest.process import Limits
from tests.support.corpora import REPOSITORY

pytestmark = pytest.mark.integration


def test_ten_kills():
    arguments = ["--kills", "10", "--files", "8", "--packaged", "0", "--seed", "3", "--json"]
    done = subprocess.run(
        [sys.executable, "bench/bench_kill.py", *arguments],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    result = json.loads(done.stdout)
    assert result["violations"] == []
    assert done.returncode == 0
    assert result["kills"] == 10
    assert sum(counts.get("acknowledged", 0) for counts in result["by"].values()) > 0
    assert result["by"]["two writers"]["kills"] > 0
    assert any(result["by"].get(name, {}).get("kills") for name in ("full disk", "file size limit"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus, its index, and the truth about it."""
    import random

    root = tmp_path_factory.mktemp("made")
    corpus = ChangingCorpus(root / "corpus", random.Random(1), 6)
    target = root / "corpora" / "kill"
    ingest_corpus([corpus.folder], target, kill_child.HashEmbedder("hash-1"), kill_child.settings())  # type: ignore[arg-type]
    with ParserPool(1, Limits(1 << 20)) as pool:
        truth = kill_checks.Truth(pool)
        truth.learn(corpus.files(), corpus.hashes())
    return target, truth, corpus.hashes()


@pytest.fixture
def index(made, tmp_path):
    target, truth, hashes = made
    shutil.copytree(target, tmp_path / "kill")
    return CorpusFiles(tmp_path / "kill"), truth, hashes


def change(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_whole_index_violates_nothing(index):
    files, truth, hashes = index
    assert kill_checks.after_kill(files, truth, hashes) == []
    assert kill_checks.after_completion(files, truth, hashes, "hash-1") == []


@pytest.mark.parametrize(
    ("statement", "violation"),
    [
        ("DELETE FROM documents WHERE source = (SELECT min(source) FROM documents)", "was acknowledged"),
        ("DELETE FROM chunks WHERE number = 1", "not whole"),
        (
            (
                "INSERT INTO chunks (id, source, ordinal, locator, headings, start, end, text, vector_key) SELECT "
                "'x', source, ordinal, locator, headings, start, end, text, vector_key FROM chunks WHERE number = 1"
            ),
            "doubled",
        ),
        ("DELETE FROM lexical WHERE rowid = 1", "without words"),
        ("DELETE FROM vectors WHERE key = (SELECT min(key) FROM vectors)", "without a vector"),
        ("UPDATE documents SET sha256 = 'other'", "was acknowledged"),
    ],
)
def test_what_is_lost_or_doubled_is_found(index, statement, violation):
    files, truth, hashes = index
    change(files.manifest, statement)
    assert any(violation in found for found in kill_checks.after_kill(files, truth, hashes))


@pytest.mark.parametrize("part", ["manifest", "snapshot", "chroma", "pointer"])
def test_what_does_not_open_is_found(index, part):
    files, truth, hashes = index
    generation = files.read_pointer()
    path = {
        "manifest": files.manifest,
        "snapshot": files.snapshot(generation.name),
        "chroma": files.chroma(generation.name) / "chroma.sqlite3",
        "pointer": files.pointer,
    }[part]
    path.write_bytes(b"nothing of the kind" * 500)
    assert kill_checks.after_kill(files, truth, hashes) != []


def test_what_is_served_of_other_files_is_found(index):
    files, truth, hashes = index
    fewer = dict(list(hashes.items())[1:])
    assert "not what the files give" in kill_checks.after_completion(files, truth, fewer, "hash-1")[0]
    assert "not hash-2" in kill_checks.after_completion(files, truth, hashes, "hash-2")[0]
