"""Generations: built beside what is served, verified, switched; rebuilt without embedding; other embedders, formats."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from core.errors import IndexMismatchError, IngestError
from core.index import FORMAT, CorpusFiles
from ingest import chroma
from tests.support.corpora import (
    REPOSITORY,
    HashEmbedder,
    chunks_of,
    corpus_dir,
    ingest,
    page,
    served,
    sources_of,
    write_pages,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def corpus(tmp_path):
    return write_pages(tmp_path / "corpus")


@pytest.fixture
def files(tmp_path):
    return CorpusFiles(corpus_dir(tmp_path))


class Broken(HashEmbedder):
    """Fails after so many texts."""

    def __init__(self, fingerprint, texts):
        super().__init__(fingerprint)
        self.left = texts

    def embed_documents(self, texts):
        self.left -= len(texts)
        if self.left < 0:
            raise RuntimeError("the power is gone")
        return super().embed_documents(texts)


def test_chroma_is_rebuilt_from_the_manifest_without_embedding(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    shutil.rmtree(files.generations)
    embedder = HashEmbedder()
    report = ingest(corpus, tmp_path, embedder)
    assert (report.skipped, embedder.embedded) == (6, 0)
    assert chunks_of(tmp_path) == before


def test_a_damaged_pointer_is_written_anew(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    files.pointer.write_text("{")
    ingest(corpus, tmp_path)
    assert chunks_of(tmp_path) == before


def test_a_small_change_starts_from_a_copy_and_a_large_one_does_not(corpus, tmp_path, files, monkeypatch):
    created = []
    create = chroma.create_collection
    monkeypatch.setattr(chroma, "create_collection", lambda *args: created.append(args[1]) or create(*args))
    ingest(corpus, tmp_path)
    (corpus / "sub" / "page0.md").write_text(page(0, "More words."))
    ingest(corpus, tmp_path)
    assert len(created) == 1
    assert served(tmp_path).churn > 0
    chunks_of(tmp_path)
    for n in range(4):
        (corpus / "sub" / f"page{n}.md").write_text(page(n, "Other words."))
    ingest(corpus, tmp_path)
    assert len(created) == 2
    assert served(tmp_path).churn == 0
    chunks_of(tmp_path)


def test_an_index_that_was_empty_is_filled(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    ingest(folder, tmp_path)
    assert served(tmp_path).chunks == 0
    (folder / "a.md").write_text(page(1))
    (folder / "b.md").write_text(page(1))
    assert ingest(folder, tmp_path).chunks == 4
    assert sources_of(tmp_path) == {"a.md", "b.md"}


def test_churn_adds_up_until_a_generation_is_built_from_nothing(corpus, tmp_path):
    ingest(corpus, tmp_path)
    churn = []
    for number in range(4):
        (corpus / "sub" / "page0.md").write_text(page(0, f"Words {number}."))
        ingest(corpus, tmp_path)
        churn.append(served(tmp_path).churn)
        chunks_of(tmp_path)
    assert churn[0] > 0
    assert 0 in churn[1:]


@pytest.mark.parametrize("harm", ["vectors", "ids", "folder", "snapshot", "rows"])
def test_a_damaged_collection_is_not_copied_on(corpus, tmp_path, files, harm):
    ingest(corpus, tmp_path)
    generation = served(tmp_path)
    folder = files.chroma(generation.name)
    client = chroma.open_chroma(folder, None)
    collection = chroma.open_collection(client, generation.collection)
    ids = collection.get(where={"source": "sub/page5.md"}, include=[])["ids"]
    if harm == "vectors":
        collection.update(ids=ids[:1], embeddings=[[1.0] + [0.0] * 31])
    elif harm == "ids":
        collection.delete(ids=ids[:1])
    client.close()
    snapshot = files.snapshot(generation.name)
    if harm == "folder":
        (folder / "chroma.sqlite3").write_bytes(b"no database")
    elif harm == "snapshot":
        snapshot.write_bytes(b"no database")
    elif harm == "rows":
        with closing(sqlite3.connect(snapshot)) as damaged:
            damaged.execute("DROP TABLE chunks")
    (corpus / "sub" / "page0.md").write_text(page(0, "More words."))
    ingest(corpus, tmp_path)
    assert len(chunks_of(tmp_path)) == 12
    assert served(tmp_path).churn == 0


def test_a_failed_build_leaves_the_served_generation(corpus, tmp_path, monkeypatch):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    (corpus / "new.md").write_text("# New\n\nText.\n")
    with monkeypatch.context() as patch:
        patch.setattr(chroma, "write_rows", lambda *_: iter(()))
        with pytest.raises(IngestError, match=r"does not hold .* missing"):
            ingest(corpus, tmp_path)
    assert chunks_of(tmp_path) == before
    report = ingest(corpus, tmp_path)
    assert (report.skipped, report.embedded) == (7, 0)  # acknowledged before the build failed
    assert len(chunks_of(tmp_path)) == len(before) + 1


def test_a_build_that_turns_out_not_to_be_needed_leaves_nothing(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    before = served(tmp_path)
    (corpus / "empty.md").write_text("")
    assert len(ingest(corpus, tmp_path).rejected) == 1
    assert served(tmp_path) == before
    assert [path.name for path in files.generations.iterdir()] == [before.name]


def test_what_is_served_stays_until_the_next_build(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    first = served(tmp_path).name
    for number in range(2):
        assert (files.generations / first).is_dir()
        (corpus / "new.md").write_text(f"# New {number}\n\nText.\n")
        ingest(corpus, tmp_path)
    assert {path.name for path in files.generations.iterdir()} == {"000002", "000003"}


def test_an_embedder_that_fails_loses_nothing_that_was_acknowledged(corpus, tmp_path, monkeypatch):
    from ingest import reading

    monkeypatch.setattr(reading, "GROUP", 2)
    with pytest.raises(RuntimeError, match="power"):
        ingest(corpus, tmp_path, Broken("hash-1", 6))
    embedder = HashEmbedder()
    report = ingest(corpus, tmp_path, embedder)
    assert report.skipped == 3
    assert (report.indexed, embedder.embedded) == (3, 6)
    assert len(chunks_of(tmp_path)) == 12


@pytest.mark.parametrize("vectors", [[[float("nan")] * 4] * 2, [[1.0] * 4], [[], []], []])
def test_unusable_vectors_are_refused(vectors):
    from ingest.vectors import Vectors

    class Odd(HashEmbedder):
        def embed_documents(self, texts):
            return vectors

    with pytest.raises(IngestError, match="the embedder gave"):
        Vectors(Odd()).make({"a": "one", "b": "two"})


def test_vectors_have_length_1_whatever_the_embedder_gives():
    import numpy as np

    from ingest.vectors import Vectors

    class Long(HashEmbedder):
        def embed_documents(self, texts):
            return [[3.0, 4.0], [0.0, 0.0]]

    made = Vectors(Long()).make({"a": "one", "b": "two"})
    assert np.frombuffer(made["a"], "<f4").tolist() == pytest.approx([0.6, 0.8])
    assert np.frombuffer(made["b"], "<f4").tolist() == [0.0, 0.0]


# --- another embedder ---


def test_another_embedder_is_refused_and_reembeds_on_request(corpus, tmp_path):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    with pytest.raises(IndexMismatchError, match=r"another embedder .* graft ingest --domain d --reembed"):
        ingest(corpus, tmp_path, HashEmbedder("hash-2"))
    stages = []
    report = ingest(
        corpus, tmp_path, HashEmbedder("hash-2"), reembed=True, on_progress=lambda stage, *_: stages.append(stage)
    )
    assert (report.skipped, report.embedded) == (6, 12)
    assert "parse" not in stages
    assert served(tmp_path).embedder == "hash-2"
    assert chunks_of(tmp_path) == before
    assert ingest(corpus, tmp_path, HashEmbedder("hash-2")).embedded == 0


def test_reembedding_takes_in_what_has_changed(corpus, tmp_path):
    ingest(corpus, tmp_path)
    (corpus / "new.md").write_text("# New\n\nText.\n")
    (corpus / "sub" / "page0.md").unlink()
    report = ingest(corpus, tmp_path, HashEmbedder("hash-2"), reembed=True)
    assert (report.indexed, report.deleted, report.skipped, report.embedded) == (1, 1, 5, 11)
    assert "new.md" in sources_of(tmp_path)


def test_the_same_embedder_embeds_again_on_request(corpus, tmp_path):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    assert ingest(corpus, tmp_path, HashEmbedder(), reembed=True).embedded == 12
    assert chunks_of(tmp_path) == before


def test_a_reembedding_that_ends_half_way_keeps_what_is_served_and_goes_on(corpus, tmp_path, monkeypatch):
    from ingest import reading

    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    monkeypatch.setattr(reading, "GROUP", 4)
    with pytest.raises(RuntimeError, match="power"):
        ingest(corpus, tmp_path, Broken("hash-2", 8), reembed=True)
    assert (served(tmp_path).embedder, chunks_of(tmp_path)) == ("hash-1", before)
    with pytest.raises(IndexMismatchError, match="reembed"):
        ingest(corpus, tmp_path, HashEmbedder("hash-2"))
    embedder = HashEmbedder("hash-2")
    ingest(corpus, tmp_path, embedder, reembed=True)
    assert embedder.embedded == 4
    assert (served(tmp_path).embedder, chunks_of(tmp_path)) == ("hash-2", before)


def test_after_a_reembedding_that_ended_half_way_the_old_embedder_still_works(corpus, tmp_path, monkeypatch):
    from ingest import reading

    ingest(corpus, tmp_path)
    monkeypatch.setattr(reading, "GROUP", 4)
    (corpus / "new.md").write_text("# New\n\nText.\n")
    with pytest.raises(RuntimeError, match="power"):
        ingest(corpus, tmp_path, Broken("hash-2", 5), reembed=True)
    embedder = HashEmbedder()
    report = ingest(corpus, tmp_path, embedder)
    assert (report.skipped, embedder.embedded) == (7, 1)
    assert (served(tmp_path).embedder, len(chunks_of(tmp_path))) == ("hash-1", 13)


# --- other formats ---

FORMAT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    source TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    seen_ns INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '',
    parsing TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, ordinal INTEGER NOT NULL,
    locator TEXT NOT NULL, headings TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, page INTEGER,
    text TEXT NOT NULL, vector_key TEXT NOT NULL
);
CREATE INDEX chunks_of_source ON chunks (source, ordinal);
CREATE INDEX chunks_of_vector ON chunks (vector_key);
CREATE TABLE vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE lexical USING fts5(
    defined, headings, body, tokenize = "porter unicode61 remove_diacritics 2 tokenchars '_.-/:'"
);
CREATE VIRTUAL TABLE lexical_terms USING fts5vocab(lexical, row);
INSERT INTO meta SELECT key, value FROM new.meta WHERE key IN ('embedder', 'revision');
INSERT INTO meta VALUES ('format', '1');
INSERT INTO documents SELECT source, sha256, size, mtime_ns, seen_ns, status, reason, title, '1:64' FROM new.documents;
INSERT INTO chunks SELECT number, id, source, ordinal, locator, headings, start, end, page, text, vector_key
    FROM new.chunks;
INSERT INTO vectors SELECT * FROM new.vectors;
"""


def make_format_1(files):
    """Turn an index into one of format 1."""
    new = files.manifest.with_name("new.sqlite")
    with closing(sqlite3.connect(files.manifest)) as manifest:
        manifest.execute("VACUUM INTO ?", (str(new),))
    for path in files.root.glob("manifest.sqlite*"):
        path.unlink()
    with closing(sqlite3.connect(files.manifest)) as old:
        old.execute("ATTACH ? AS new", (str(new),))
        old.executescript(FORMAT_1)
    new.unlink()
    files.pointer.write_text(json.dumps({**json.loads(files.pointer.read_text()), "format": 1}))


def test_format_1_is_migrated_after_a_backup_and_nothing_is_embedded_again(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    make_format_1(files)
    with pytest.raises(IndexMismatchError, match="older Graft: run graft ingest --domain d"):
        files.read_pointer()
    embedder = HashEmbedder()
    report = ingest(corpus, tmp_path, embedder)
    assert (report.updated, embedder.embedded) == (6, 0)
    assert chunks_of(tmp_path) == before
    with closing(sqlite3.connect(files.root / "manifest.format-1.sqlite")) as backup:
        assert backup.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() == ("1",)
        assert backup.execute("SELECT count(*) FROM chunks").fetchone() == (12,)


def test_a_migrated_manifest_holds_everything_even_if_nothing_can_be_parsed(corpus, tmp_path, files):
    from ingest.manifest import Manifest

    ingest(corpus, tmp_path)
    make_format_1(files)
    with closing(Manifest(files, None)) as manifest:
        rows = manifest.connection.execute("SELECT count(*), max(number) FROM chunks").fetchone()
        assert rows == (12, manifest.last_number())
        (found,) = manifest.connection.execute("SELECT count(*) FROM lexical WHERE lexical MATCH 'broken'").fetchone()
        assert found == 6
        assert {known.status for known in manifest.known().values()} == {"indexed"}


def test_a_newer_format_is_refused_and_left_alone(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    with closing(sqlite3.connect(files.manifest)) as manifest, manifest:
        manifest.execute("UPDATE meta SET value = ? WHERE key = 'format'", (str(FORMAT + 1),))
    with pytest.raises(IndexMismatchError, match=f"newer Graft .format {FORMAT + 1}, this one knows {FORMAT}"):
        ingest(corpus, tmp_path)
    files.pointer.write_text(json.dumps({**json.loads(files.pointer.read_text()), "format": FORMAT + 1}))
    with pytest.raises(IndexMismatchError, match="newer Graft"):
        files.read_pointer()


def test_a_manifest_that_is_no_database_names_the_repair(corpus, tmp_path, files):
    ingest(corpus, tmp_path)
    files.manifest.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(IngestError, match=r"damaged .* graft index repair --domain d"):
        ingest(corpus, tmp_path)


# --- killed ---

KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.support.corpora import HashEmbedder, SETTINGS
from ingest import pipeline, reading
class Slow(HashEmbedder):
    def embed_documents(self, texts):
        time.sleep(0.4)
        return super().embed_documents(texts)
reading.GROUP = 2
pipeline.ingest_corpus([Path(sys.argv[2])], Path(sys.argv[3]), Slow(), SETTINGS)
"""


def test_killed_while_embedding_the_next_run_goes_on(corpus, tmp_path, files):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(REPOSITORY), str(corpus), str(files.root)])
    acknowledged = 0
    deadline = time.monotonic() + 120
    while acknowledged < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            with closing(sqlite3.connect(f"file:{files.manifest}?mode=ro", uri=True)) as manifest:
                (acknowledged,) = manifest.execute("SELECT count(*) FROM documents").fetchone()
        except sqlite3.Error:
            continue
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 2 <= acknowledged < 6
    embedder = HashEmbedder()
    report = ingest(corpus, tmp_path, embedder)
    assert report.skipped >= acknowledged
    assert report.skipped + report.indexed == 6
    assert embedder.embedded <= 2 * report.indexed  # vectors may have been stored before their document
    assert len(chunks_of(tmp_path)) == 12
