"""The retriever: dense and lexical search over the served generation, fused; a LangChain BaseRetriever.

Follows the pointer: after an ingestion, in this process or another, the next question is answered from the new
generation. Opens only what the pointer names; never the manifest that ingestion writes.
"""

import sqlite3
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, PrivateAttr

from core.errors import IndexMismatchError, RetrievalError
from core.index import CorpusFiles, Generation, open_snapshot
from core.settings import RetrieveSettings
from retriever.dense import DenseIndex, open_dense
from retriever.fusion import fuse, with_bonus, without_duplicates
from retriever.lexical import DEFINES, LexicalIndex
from retriever.lines import best_line
from retriever.query import Query, read_question

_COLUMNS = "number, id, source, locator, headings, start, end, page, place, first_line, last_line, ordinal, text"
# What a line that holds every word of the question adds to its chunk's score.
LINE_WEIGHT = 1.0
# A filter leaves few of the lexical hits: so many more are looked at.
_FILTER_REACH = 50

Way = Literal["full", "fused", "dense", "lexical"]


@dataclass(frozen=True)
class _Served:
    """An opened generation, and the pointer's stamp it was opened under."""

    stamp: tuple[int, int]
    generation: Generation
    connection: sqlite3.Connection
    lexical: LexicalIndex
    dense: DenseIndex


class HybridRetriever(BaseRetriever):
    """Finds passages of one corpus.

    Metadata of a hit: `source`, `locator`, `score` (0 to 1), `id`, `start`, `end`, `ordinal`, and `page`, `place`,
    `first_line`, `last_line` where known; `page_content` is the whole chunk. May be used from several threads.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    corpus_dir: Path
    embeddings: Embeddings
    settings: RetrieveSettings
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _served: _Served | None = PrivateAttr(default=None)

    def search(
        self, question: str, k: int | None = None, where: dict[str, Any] | None = None, way: Way = "full"
    ) -> list[Document]:
        """The `k` best chunks, best first. `where` filters by metadata (`{"source": ...}`). Raises RetrievalError.

        `way` leaves parts out, to measure what each contributes: `dense` or `lexical` alone, `fused` without look-up
        of names and the best line.
        """
        query = read_question(question)
        if not query.text:
            raise RetrievalError("the question is empty: ask something")
        limit = k or self.settings.k
        candidates = max(self.settings.candidates, 4 * limit)
        vector = self.embeddings.embed_query(query.text) if way != "lexical" else []
        with self._lock:
            served = self._current()
            dense = self._dense(served, vector, min(candidates, served.generation.chunks), where) if vector else []
            lexical, exact = self._lexical(served, query, candidates, where, way)
            ranking = fuse(dense, lexical, exact, self.settings.dense_weight)[:candidates]
            rows = _rows(served.connection, [number for number, _ in ranking])
            weights = served.lexical.rarity(query.words) if way == "full" else {}
        lines = {n: LINE_WEIGHT * best_line(row["text"], row["headings"], weights) for n, row in rows.items()}
        ranking = with_bonus(ranking, lines)
        kept = without_duplicates(((number, rows[number]["text"]) for number, _ in ranking if number in rows), limit)
        scores = dict(ranking)
        return [_document(rows[number], scores[number] / (1 + DEFINES + LINE_WEIGHT)) for number in kept]

    @staticmethod
    def _dense(
        served: _Served, vector: list[float], limit: int, where: dict[str, Any] | None
    ) -> list[tuple[int, float]]:
        near = served.dense.search(vector, limit, where)
        numbers = _numbers(served.connection, [identity for identity, _ in near])
        return [(numbers[identity], score) for identity, score in near if identity in numbers]

    def _lexical(
        self, served: _Served, query: Query, limit: int, where: dict[str, Any] | None, way: Way
    ) -> tuple[list[tuple[int, float]], dict[int, float]]:
        if way == "dense":
            return [], {}
        reach = limit if where is None else _FILTER_REACH * limit
        hits = served.lexical.search(query, reach)
        exact = served.lexical.exact(query, self.settings.k + 1) if way == "full" else {}
        if where is not None:
            inside = _matching(served.connection, [number for number, _ in hits] + list(exact), where)
            hits = [hit for hit in hits if hit[0] in inside][:limit]
            exact = {number: bonus for number, bonus in exact.items() if number in inside}
        return hits, exact

    @property
    def generation(self) -> Generation:
        """The generation that questions are answered from now. Raises RetrievalError."""
        with self._lock:
            return self._current().generation

    def close(self) -> None:
        """Close the index; the next question opens it again."""
        with self._lock:
            self._drop()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> list[Document]:
        return self.search(query, kwargs.get("k"), kwargs.get("where"))

    def _current(self) -> _Served:
        files = CorpusFiles(self.corpus_dir)
        stamp = _stamp(files)
        if self._served is not None and self._served.stamp == stamp:
            return self._served
        generation = files.read_pointer()
        if generation is None:
            raise RetrievalError(
                f"corpus '{self.corpus_dir.name}' has no index yet: run graft ingest --domain {self.corpus_dir.name}"
            )
        self._check(generation)
        served = self._open(files, generation, stamp)
        self._drop()
        self._served = served
        return served

    def _check(self, generation: Generation) -> None:
        embedder = getattr(self.embeddings, "fingerprint", type(self.embeddings).__name__)
        name = self.corpus_dir.name
        if generation.embedder != embedder:
            raise IndexMismatchError(
                f"the index of '{name}' was made by another embedder ({generation.embedder[:8]}, now {embedder[:8]}): "
                f"go back to that one with --embedder, or delete {self.corpus_dir} and run graft ingest --domain {name}"
            )
        if not generation.chunks:
            raise RetrievalError(f"the index of '{name}' is empty: put documents into its corpus and ingest again")

    def _open(self, files: CorpusFiles, generation: Generation, stamp: tuple[int, int]) -> _Served:
        try:
            connection = open_snapshot(files.snapshot(generation.name))
            connection.execute("SELECT 1 FROM chunks LIMIT 1")
        except sqlite3.Error as error:
            raise RetrievalError(
                f"the index {files.snapshot(generation.name)} cannot be opened ({error}): "
                f"run graft ingest --domain {self.corpus_dir.name}"
            ) from error
        lexical = LexicalIndex(connection, generation.chunks)
        return _Served(stamp, generation, connection, lexical, open_dense(files, generation, self.embeddings))

    def _drop(self) -> None:
        if self._served is None:
            return
        with suppress(Exception):  # closing what may already be gone
            self._served.dense.close()
        self._served.connection.close()
        self._served = None


def open_retriever(corpus_dir: Path, embeddings: Embeddings, settings: RetrieveSettings) -> HybridRetriever:
    """The retriever of one corpus; fails early. Raises RetrievalError without an index, IndexMismatchError."""
    retriever = HybridRetriever(corpus_dir=corpus_dir, embeddings=embeddings, settings=settings)
    _ = retriever.generation
    return retriever


def _stamp(files: CorpusFiles) -> tuple[int, int]:
    try:
        status = files.pointer.stat()
    except OSError:
        return (0, 0)
    return status.st_ino, status.st_mtime_ns


def _marks(values: list[Any]) -> str:
    return ",".join("?" * len(values))


def _numbers(connection: sqlite3.Connection, identities: list[str]) -> dict[str, int]:
    rows = connection.execute(f"SELECT id, number FROM chunks WHERE id IN ({_marks(identities)})", identities)  # noqa: S608 - question marks
    return dict(rows.fetchall())


def _matching(connection: sqlite3.Connection, numbers: list[int], where: dict[str, Any]) -> set[int]:
    unknown = set(where) - {"source", "ordinal", "locator"}
    if unknown:
        raise RetrievalError(f"cannot filter by {', '.join(sorted(unknown))}: use source, ordinal or locator")
    tests = " AND ".join(f"{key} = ?" for key in where)
    rows = connection.execute(
        f"SELECT number FROM chunks WHERE number IN ({_marks(numbers)}) AND {tests}",  # noqa: S608 - checked above
        [*numbers, *where.values()],
    )
    return {number for (number,) in rows}


def _rows(connection: sqlite3.Connection, numbers: list[int]) -> dict[int, dict[str, Any]]:
    query = f"SELECT {_COLUMNS} FROM chunks WHERE number IN ({_marks(numbers)})"  # noqa: S608 - question marks
    cursor = connection.execute(query, numbers)
    names = _COLUMNS.split(", ")
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor}


def _document(row: dict[str, Any], score: float) -> Document:
    metadata = {key: row[key] for key in ("source", "locator", "id", "start", "end", "ordinal")}
    metadata["score"] = round(score, 6)
    # Chroma and filters know no None: what a format does not have is left out.
    metadata |= {key: row[key] for key in ("page", "place", "first_line", "last_line") if row[key]}
    return Document(page_content=row["text"], metadata=metadata, id=row["id"])
