"""Ingestion with the real parts: unstructured in its processes, Chroma, SQLite; only the embedder is a fake."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from core.errors import IndexMismatchError, IngestError
from core.index import CorpusFiles, open_snapshot
from core.settings import IngestSettings
from ingest.lock import writer_lock
from ingest.pipeline import ingest_corpus
from tests.unit.ingest.pdf_writer import write_pdf

pytestmark = pytest.mark.integration

SETTINGS = IngestSettings(chunk_tokens=64, workers=1)
REPOSITORY = Path(__file__).resolve().parents[2]


class HashEmbedder(Embeddings):
    """Vectors from word hashes: equal words, near vectors. Counts what it embeds."""

    def __init__(self, fingerprint: str = "hash-1") -> None:
        self.fingerprint, self.embedded = fingerprint, 0

    def count_many(self, texts):
        return [len(text.split()) for text in texts]

    def embed_documents(self, texts):
        self.embedded += len(texts)
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        vector = np.zeros(32)
        for word in text.casefold().split():
            vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % 32] += 1
        return (vector / max(np.linalg.norm(vector), 1e-9)).tolist()


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    (folder / "sub").mkdir(parents=True)
    for n in range(6):
        (folder / "sub" / f"page{n}.md").write_text(
            f"# Page {n}\n\nText of page {n}.\n\n## Part\n\n- **P{n}.E1**: broken\n"
        )
    return folder


def ingest(corpus, tmp_path, embedder=None, **options):
    return ingest_corpus([corpus], tmp_path / "corpora" / "d", embedder or HashEmbedder(), SETTINGS, **options)


def chunks_of(tmp_path):
    """The served generation: snapshot rows and Chroma's ids, which have to agree."""
    import chromadb

    files = CorpusFiles(tmp_path / "corpora" / "d")
    generation = files.read_pointer()
    assert generation is not None
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        rows = snapshot.execute(
            "SELECT id, source, locator, text, start, end, page FROM chunks ORDER BY number"
        ).fetchall()
    client = chromadb.PersistentClient(str(files.chroma(generation.name)))
    found = client.get_collection(generation.collection, embedding_function=None).get()["ids"]
    client.close()
    assert sorted(found) == sorted(row[0] for row in rows)
    assert generation.chunks == len(rows)
    return rows


def test_add_change_rename_delete(corpus, tmp_path):
    embedder = HashEmbedder()
    stages = set()
    first = ingest(corpus, tmp_path, embedder, on_progress=lambda stage, done, total: stages.add(stage))
    assert (first.indexed, first.updated, first.skipped, first.deleted) == (6, 0, 0, 0)
    assert first.chunks == 12
    assert stages == {"parse", "embed", "store"}

    embedder.embedded = 0
    again = ingest(corpus, tmp_path, embedder)
    assert (again.skipped, again.indexed, embedder.embedded) == (6, 0, 0)

    (corpus / "sub" / "page0.md").write_text("# Page 0\n\nNew text.\n")
    (corpus / "sub" / "page1.md").rename(corpus / "renamed.md")
    (corpus / "sub" / "page2.md").unlink()
    os.utime(corpus / "sub" / "page3.md")
    third = ingest(corpus, tmp_path, embedder)
    assert (third.updated, third.indexed, third.deleted, third.skipped) == (1, 1, 2, 3)
    assert embedder.embedded == 1  # the renamed document's vectors are known
    rows = chunks_of(tmp_path)
    assert {row[1] for row in rows} == {"renamed.md", *(f"sub/page{n}.md" for n in (0, 3, 4, 5))}
    assert third.chunks == len(rows) == 9


def test_chunks_are_verbatim_with_locator_and_span(corpus, tmp_path):
    ingest(corpus, tmp_path)
    for _, source, locator, text, start, end, _ in chunks_of(tmp_path):
        assert (corpus / source).read_text()[start:end] == text
        assert locator.startswith("Page ")


def test_formats_and_rejections_get_one_receipt_each(tmp_path):
    from docx import Document as Docx
    from openpyxl import Workbook
    from pptx import Presentation

    folder = tmp_path / "corpus"
    folder.mkdir()
    docx = Docx()
    docx.add_heading("Manual", 1)
    docx.add_paragraph("The docx valve is red.")
    docx.save(str(folder / "a.docx"))
    book = Workbook()
    book.active.title = "Prices"
    book.active.append(["item", "price"])
    book.active.append(["xlsx valve", 12])
    book.save(folder / "b.xlsx")
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "The pptx valve"
    deck.save(str(folder / "c.pptx"))
    (folder / "d.pdf").write_bytes(write_pdf([[(12, "First page of it.")], [(12, "The pdf valve is blue.")]]))
    (folder / "e.html").write_text("<h1>Top</h1><p>The html valve is green.</p><script>bad()</script>")
    (folder / "f.csv").write_text("code,meaning\nE1,the csv valve\n")
    (folder / "g.rst").write_text("Top\n===\n\nThe rst valve is here.\n")
    (folder / "h.json").write_text('{"valve": "the json valve"}')
    (folder / "i.eml").write_text(
        "From: a@example.org\nSubject: Valve\nContent-Type: text/plain\n\nThe eml valve is gone.\n"
    )
    (folder / "j.txt").write_bytes("Das txt-Ventil ist grün, und zwar überall.".encode("cp1252"))
    (folder / "k.odt").write_bytes(b"not a zip")
    (folder / "l.pdf").write_bytes(b"%PDF-1.4 garbage")
    (folder / "m.docx").write_text("plain text")
    (folder / "n.png").write_bytes(b"\x89PNG\r\n")
    (folder / "o.md").write_text("")
    (folder / "p.md").symlink_to("/etc/hostname")
    os.mkfifo(folder / "q.txt")
    report = ingest(folder, tmp_path)
    assert report.indexed == 10
    reasons = {entry.source: entry.reason for entry in report.rejected}
    assert sorted(reasons) == [f"{letter}" for letter in ("k.odt", "l.pdf", "m.docx", "n.png", "o.md", "p.md", "q.txt")]
    assert report.indexed + len(report.rejected) == len(list(folder.iterdir()))
    assert "empty" in reasons["o.md"]
    rows = {row[1]: row for row in chunks_of(tmp_path)}
    for letter, word in zip("abcefghi", ("docx", "xlsx", "pptx", "html", "csv", "rst", "json", "eml"), strict=True):
        source = next(name for name in rows if name.startswith(f"{letter}."))
        assert f"{word} valve" in rows[source][3]
    assert "grün" in rows["j.txt"][3]
    assert rows["b.xlsx"][2].startswith("sheet Prices")
    pdf = [row for row in chunks_of(tmp_path) if row[1] == "d.pdf"]
    assert [(row[2], row[6]) for row in pdf] == [("page 1", 1), ("page 2", 2)]
    second = ingest(folder, tmp_path)
    assert second.skipped == 10
    assert {entry.source: entry.reason for entry in second.rejected} == reasons


def test_another_embedder_is_refused_and_reembeds_on_request(corpus, tmp_path):
    ingest(corpus, tmp_path)
    with pytest.raises(IndexMismatchError, match=r"another embedder .* delete"):
        ingest(corpus, tmp_path, HashEmbedder("hash-2"))
    report = ingest(corpus, tmp_path, HashEmbedder("hash-2"), reembed=True)
    assert report.embedded == 12
    assert CorpusFiles(tmp_path / "corpora" / "d").read_pointer().embedder == "hash-2"


def test_a_second_writer_is_told_who_the_first_is(corpus, tmp_path):
    with writer_lock(tmp_path / "corpora"), pytest.raises(IngestError, match=f"process {os.getpid()}"):
        ingest(corpus, tmp_path)


def test_chroma_is_rebuilt_from_the_manifest_without_embedding(corpus, tmp_path):
    import shutil

    embedder = HashEmbedder()
    ingest(corpus, tmp_path, embedder)
    before = chunks_of(tmp_path)
    shutil.rmtree(tmp_path / "corpora" / "d" / "generations")
    embedder.embedded = 0
    ingest(corpus, tmp_path, embedder)
    assert embedder.embedded == 0
    assert chunks_of(tmp_path) == before


def test_a_failed_build_leaves_the_served_generation(corpus, tmp_path, monkeypatch):
    from ingest import generation

    ingest(corpus, tmp_path)
    before = chunks_of(tmp_path)
    (corpus / "new.md").write_text("# New\n\nText.\n")
    with monkeypatch.context() as patch:
        patch.setattr(generation, "_write", lambda *_: None)
        with pytest.raises(IngestError, match="does not hold"):
            ingest(corpus, tmp_path)
    assert chunks_of(tmp_path) == before
    report = ingest(corpus, tmp_path)
    assert (report.skipped, report.embedded) == (7, 0)  # acknowledged before the build failed
    assert len(chunks_of(tmp_path)) == len(before) + 1


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.integration.test_ingest import HashEmbedder, SETTINGS
from ingest import pipeline
class Slow(HashEmbedder):
    def embed_documents(self, texts):
        time.sleep(0.4)
        return super().embed_documents(texts)
pipeline._GROUP = 2
pipeline.ingest_corpus([Path(sys.argv[2])], Path(sys.argv[3]), Slow(), SETTINGS)
"""


def test_killed_while_embedding_the_next_run_goes_on(corpus, tmp_path):
    target = tmp_path / "corpora" / "d"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(REPOSITORY), str(corpus), str(target)])
    acknowledged = 0
    deadline = time.monotonic() + 120
    while acknowledged < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            with closing(sqlite3.connect(f"file:{target / 'manifest.sqlite'}?mode=ro", uri=True)) as manifest:
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
    assert embedder.embedded == 2 * report.indexed
    assert len(chunks_of(tmp_path)) == 12


def test_report_is_json(corpus, tmp_path):
    report = json.loads(ingest(corpus, tmp_path).model_dump_json())
    assert {"indexed", "updated", "skipped", "deleted", "rejected", "chunks", "seconds"} <= set(report)


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(IngestError, match="does not exist"):
        ingest(tmp_path / "nothing", tmp_path)
