"""verify, repair, rebuild: every kind of damage is found, named with its remedy, and put right without embedding."""

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from core.errors import IngestError
from core.index import CorpusFiles, open_snapshot
from ingest import chroma
from ingest.lock import writer_lock
from ingest.repair import rebuild_index, repair_index, verify_index
from tests.support.corpora import HashEmbedder, chunks_of, corpus_dir, ingest, served, write_pages

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """An index of six documents, made once; tests get copies."""
    root = tmp_path_factory.mktemp("original")
    ingest(write_pages(root / "corpus"), root)
    return root


@pytest.fixture
def root(original, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    return copy


@pytest.fixture
def files(root):
    return CorpusFiles(corpus_dir(root))


def problems(root):
    return [(p.part, p.detail, p.remedy) for p in verify_index(corpus_dir(root)).problems("d")]


def repair(root, embedder=None):
    made = []

    def embeddings():
        made.append(embedder or HashEmbedder())
        return made[-1]

    done = repair_index(corpus_dir(root), embeddings)
    return done, sum(one.embedded for one in made)


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)


def damage_manifest(files):
    """Overwrite pages in the middle of the database."""
    with closing(sqlite3.connect(files.manifest)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with files.manifest.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def test_a_whole_index_has_no_problems(root, files):
    before = sorted(path.relative_to(files.root) for path in files.root.rglob("*"))
    assert problems(root) == []
    assert sorted(path.relative_to(files.root) for path in files.root.rglob("*")) == before
    assert repair(root) == ([], 0)


def test_no_index_at_all(tmp_path):
    assert problems(tmp_path) == [("manifest", "there is none", "graft ingest --domain d")]
    assert repair(tmp_path) == ([], 0)
    with pytest.raises(IngestError, match=r"no index .* graft ingest"):
        rebuild_index(corpus_dir(tmp_path))


def test_an_index_that_is_being_written_is_left_alone(root):
    with writer_lock(corpus_dir(root).parent), pytest.raises(IngestError, match="is being written"):
        problems(root)


DAMAGE = {
    "vector missing": (
        "vectors",
        "1 chunks have none",
        "DELETE FROM vectors WHERE key = (SELECT min(key) FROM vectors)",
    ),
    "vector cut": ("vectors", "not finite", "UPDATE vectors SET vector = substr(vector, 5) WHERE rowid_is_first"),
    "vector of ones": ("vectors", "not finite", "UPDATE vectors SET vector = :ones WHERE rowid_is_first"),
    "vector of NaN": ("vectors", "not finite", "UPDATE vectors SET vector = :nan WHERE rowid_is_first"),
    "text altered": ("documents", "other content", "UPDATE chunks SET text = text || '!' WHERE number = 1"),
    "chunk lost": ("documents", "lacks some", "DELETE FROM chunks WHERE number = 1"),
    "chunks lost": ("documents", "no chunks", "DELETE FROM chunks WHERE source = 'sub/page0.md'"),
    "document lost": ("documents", "without being indexed", "DELETE FROM documents WHERE source = 'sub/page0.md'"),
    "word row lost": ("lexical", "1 rows", "DELETE FROM lexical WHERE rowid = 1"),
    "word row altered": ("lexical", "1 rows", "UPDATE lexical SET body = 'other' WHERE rowid = 1"),
    "words damaged": ("manifest", "lexical", "DELETE FROM lexical_data"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_in_the_manifest_is_named_and_repaired(root, files, kind):
    part, detail, statement = DAMAGE[kind]
    statement = statement.replace("rowid_is_first", "key = (SELECT min(key) FROM vectors)")
    values = {"ones": np.ones(32, "<f4").tobytes(), "nan": np.full(32, np.nan, "<f4").tobytes()}
    change(files.manifest, (statement, {key: value for key, value in values.items() if f":{key}" in statement}))
    found = problems(root)
    assert any(p == part and detail in d and "graft index repair --domain d" in r for p, d, r in found), found
    before = chunks_of(root)

    done, embedded = repair(root)
    assert done
    assert problems(root) == []
    assert embedded == (1 if part == "vectors" else 0)
    # What was dropped is read again; nothing else is touched.
    report = ingest(root / "corpus", root)
    assert report.indexed == (1 if part == "documents" else 0)
    assert report.embedded <= 2
    assert chunks_of(root) == before
    assert problems(root) == []


def test_vectors_of_another_embedder_are_not_mixed_in(root, files):
    change(files.manifest, "DELETE FROM vectors WHERE key = (SELECT min(key) FROM vectors)")
    with pytest.raises(IngestError, match=r"not the embedder that made the others .* rebuild --reembed"):
        repair(root, HashEmbedder("hash-2"))
    with pytest.raises(IngestError, match="no vector: run graft index repair"):
        rebuild_index(corpus_dir(root))


@pytest.mark.parametrize("kind", ["vector", "id", "surplus", "metadata", "graph", "database", "folder"])
def test_damage_in_chroma_is_named_and_repaired(root, files, kind):
    generation = served(root)
    folder = files.chroma(generation.name)
    if kind == "graph":
        for path in folder.rglob("data_level0.bin"):
            path.unlink()
        for path in folder.rglob("index_metadata.pickle"):
            path.unlink()
        with closing(sqlite3.connect(folder / "chroma.sqlite3")) as database, database:
            database.execute("DELETE FROM embeddings_queue")
    elif kind == "database":
        (folder / "chroma.sqlite3").write_bytes(b"no database" * 1000)
    elif kind == "folder":
        shutil.rmtree(folder)
    else:
        client = chroma.open_chroma(folder, None)
        collection = chroma.open_collection(client, generation.collection)
        first = collection.get(limit=1, include=["metadatas"])
        if kind == "vector":
            collection.update(ids=first["ids"], embeddings=[[1.0] + [0.0] * 31])
        elif kind == "id":
            collection.delete(ids=first["ids"])
        elif kind == "surplus":
            collection.add(ids=["x"], embeddings=[[1.0] + [0.0] * 31], documents=["x"], metadatas=[{"source": "x"}])
        else:
            collection.update(ids=first["ids"], metadatas=[{**first["metadatas"][0], "source": "other.md"}])
        client.close()
    found = problems(root)
    assert len(found) == 1
    assert found[0][0] == ("generation" if kind == "folder" else "chroma")
    assert found[0][2] == "graft index repair --domain d"
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        before = snapshot.execute("SELECT id FROM chunks ORDER BY source, ordinal").fetchall()
    done, embedded = repair(root)
    assert embedded == 0
    assert done == ["built generation 000002: 12 chunks"]
    assert problems(root) == []
    assert [row[:1] for row in chunks_of(root)] == before


def test_a_snapshot_that_is_damaged_or_not_of_the_manifest(root, files):
    name = served(root).name
    change(files.snapshot(name), "UPDATE chunks SET text = 'other' WHERE number = 1")
    assert [(p, r) for p, _, r in problems(root)] == [("generation", "graft index repair --domain d")]
    files.snapshot(name).write_bytes(b"no database")
    assert problems(root)[0][0] == "generation"
    repair(root)
    assert problems(root) == []


def test_a_pointer_that_cannot_be_read(root, files):
    files.pointer.write_text("{")
    assert [p for p, _, _ in problems(root)] == ["generation"]
    repair(root)
    assert problems(root) == []


def test_acknowledged_but_not_served(root, files, monkeypatch):
    (root / "corpus" / "new.md").write_text("# New\n\nText.\n")
    with monkeypatch.context() as patch:
        patch.setattr(chroma, "write_rows", lambda *_: iter(()))
        with pytest.raises(IngestError):
            ingest(root / "corpus", root)
    assert [(p, r) for p, _, r in problems(root)] == [("generation", "graft ingest --domain d")]
    repair(root)
    assert problems(root) == []
    assert len(chunks_of(root)) == 13


def test_a_damaged_manifest_is_restored_and_nothing_acknowledged_is_lost(root, files):
    before = chunks_of(root)
    damage_manifest(files)
    found = problems(root)
    assert [(p, r) for p, _, r in found] == [("manifest", "graft index repair --domain d")]
    done, embedded = repair(root)
    assert "is kept as manifest.damaged-" in done[0]
    assert embedded == 0
    assert len(list(files.root.glob("manifest.damaged-*.sqlite"))) == 1
    assert problems(root) == []
    report = ingest(root / "corpus", root)
    assert (report.skipped, report.embedded) == (6, 0)
    assert chunks_of(root) == before


def test_what_was_acknowledged_since_the_last_generation_is_carried_over(root, files, monkeypatch):
    (root / "corpus" / "new.md").write_text("# New\n\nText.\n")
    with monkeypatch.context() as patch:
        patch.setattr(chroma, "write_rows", lambda *_: iter(()))
        with pytest.raises(IngestError):
            ingest(root / "corpus", root)
    with closing(sqlite3.connect(files.manifest)) as manifest:
        manifest.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # An index of another table is damaged: rows can still be read.
        page = manifest.execute("SELECT rootpage FROM sqlite_master WHERE name = 'chunks_of_vector'").fetchone()[0]
        size = manifest.execute("PRAGMA page_size").fetchone()[0]
    with files.manifest.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    assert problems(root)[0][0] == "manifest"
    done, embedded = repair(root)
    assert "carried over 1 documents that were acknowledged since" in done
    assert embedded == 0
    (root / "corpus" / "new.md").unlink()
    assert "new.md" in {row[1] for row in chunks_of(root)}
    assert problems(root) == []


def test_a_manifest_that_is_lost_comes_back_from_the_snapshot(root, files):
    before = chunks_of(root)
    for path in files.root.glob("manifest.sqlite*"):
        path.unlink()
    assert problems(root) == [("manifest", "is missing", "graft index repair --domain d")]
    repair(root)
    assert problems(root) == []
    assert chunks_of(root) == before


def test_with_nothing_to_restore_from_the_next_ingestion_reads_everything(root, files):
    damage_manifest(files)
    shutil.rmtree(files.generations)
    done, _ = repair(root)
    assert "graft ingest --domain d reads every file again" in done[-1]
    assert ingest(root / "corpus", root).indexed == 6
    assert problems(root) == []


def test_rebuild_builds_anew_without_embedding_or_embeds_again(root):
    before = chunks_of(root)
    assert rebuild_index(corpus_dir(root)).name == "000002"
    embedder = HashEmbedder("hash-2")
    assert rebuild_index(corpus_dir(root), reembed=embedder).embedder == "hash-2"
    assert embedder.embedded == 12
    assert chunks_of(root) == before
    assert problems(root) == []
