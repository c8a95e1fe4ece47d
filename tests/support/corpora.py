"""A small corpus of files, an embedder without a model, and looks into the index that an ingestion made."""

import hashlib
import os
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings

from core.index import CorpusFiles, Generation, open_snapshot
from core.settings import IngestSettings
from ingest.pipeline import ingest_corpus
from ingest.report import IngestReport

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = IngestSettings(chunk_tokens=64, workers=1)


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
        for word in f"{self.fingerprint} {text}".casefold().split():
            vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % 32] += 1
        return (vector / max(np.linalg.norm(vector), 1e-9)).tolist()


def write_pages(folder: Path, count: int = 6) -> Path:
    """`count` Markdown files of two chunks each below `folder/sub`, settled: last written a while ago."""
    (folder / "sub").mkdir(parents=True)
    for n in range(count):
        (folder / "sub" / f"page{n}.md").write_text(page(n))
    settle(folder)
    return folder


def page(n: int, words: str = "") -> str:
    """The content of page `n`."""
    return f"# Page {n}\n\nText of page {n}. {words}\n\n## Part\n\n- **P{n}.E1**: broken\n"


def settle(folder: Path, seconds: float = 60.0) -> None:
    """Make all files below `folder` look as if they had been written `seconds` ago."""
    then = time.time() - seconds
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (then, then))


def corpus_dir(root: Path) -> Path:
    """Where the tests keep their index below `root`."""
    return root / "corpora" / "d"


def ingest(folder: Path, root: Path, embedder: Embeddings | None = None, **options) -> IngestReport:
    """Ingest `folder` into the index below `root`; the report reconciles."""
    report = ingest_corpus([folder], corpus_dir(root), embedder or HashEmbedder(), SETTINGS, **options)
    assert report.reconciles
    return report


def served(root: Path) -> Generation:
    """The generation that the pointer names."""
    generation = CorpusFiles(corpus_dir(root)).read_pointer()
    assert generation is not None
    return generation


def chunks_of(root: Path) -> list[tuple]:
    """Rows (id, source, locator, text, start, end, page) of the served snapshot; Chroma has the same ids."""
    files, generation = CorpusFiles(corpus_dir(root)), served(root)
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        rows = snapshot.execute(
            "SELECT id, source, locator, text, start, end, page FROM chunks ORDER BY source, ordinal"
        ).fetchall()
    assert sorted(chroma_ids(root)) == sorted(row[0] for row in rows)
    assert generation.chunks == len(rows)
    return rows


def chroma_ids(root: Path) -> list[str]:
    """Ids in the collection that is served."""
    from ingest.chroma import open_chroma, open_collection

    files, generation = CorpusFiles(corpus_dir(root)), served(root)
    client = open_chroma(files.chroma(generation.name), generation.chroma_url)
    try:
        return open_collection(client, generation.collection).get(include=[])["ids"]
    finally:
        client.close()


def sources_of(root: Path) -> set[str]:
    """Sources in the served snapshot."""
    return {row[1] for row in chunks_of(root)}
