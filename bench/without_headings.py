"""The same chunks embedded without their headings, to measure what the headings in the embedded text contribute.

Vectors are made once and kept in the workspace; they are searched exactly.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.documents import Document

from core.index import CorpusFiles, index_fingerprint, open_snapshot
from retriever.candidates import Way, gather
from retriever.hybrid import HybridRetriever
from retriever.query import read_question
from retriever.searching import passages, weigh

_TOGETHER = 512


class WithoutHeadings:
    """Searches like `retriever`, with other vectors."""

    def __init__(self, retriever: HybridRetriever, corpus: Path, folder: Path, say: Callable[..., None]) -> None:
        self._index, self._embeddings = retriever.indexes[0], retriever.embeddings
        files = CorpusFiles(corpus)
        with closing(open_snapshot(files.snapshot(retriever.generation.name))) as snapshot:
            rows = snapshot.execute("SELECT number, text FROM chunks ORDER BY number").fetchall()
        self._numbers = [number for number, _ in rows]
        path = folder / f"without-headings-{index_fingerprint(corpus)[:12]}.npy"
        if not path.exists():
            say(f"embedding {len(rows)} chunks without their headings")
            vectors: list[Any] = []
            for start in range(0, len(rows), _TOGETHER):
                vectors += self._embeddings.embed_documents([text for _, text in rows[start : start + _TOGETHER]])
            folder.mkdir(parents=True, exist_ok=True)
            np.save(path, np.asarray(vectors, dtype=np.float32))
        self._vectors = np.load(path)

    def search(self, question: str, k: int, way: Way) -> list[Document]:
        """Up to `k` passages, in the way of `HybridRetriever.search`."""
        query = read_question(question)
        vector = np.asarray(self._embeddings.embed_query(query.text), dtype=np.float32)
        with self._index.lock:
            corpus = self._index.current()
            limit = max(corpus.weights.candidates, 4 * k)
            (found,) = gather([corpus], [query], [], limit, None, way)
            cosines = self._vectors @ vector
            best = np.argsort(-cosines, kind="stable")[:limit]
            near = [((0, self._numbers[i]), float(cosines[i])) for i in best]
            rows = {(0, number): row for number, row in corpus.rows([number for (_, number), _ in near]).items()}
            found = replace(found, dense=near, rows=found.rows | rows, lexical=[] if way == "dense" else found.lexical)
        return passages(found, weigh(found, [corpus.weights], way, limit), [corpus.name], k)
