"""One corpus as it is served now: snapshot, lexical index, Chroma collection and weights, following the pointer.

After an ingestion or a tuning, in this process or another, the next question is answered from what is new. Opens only
what the pointer names; never the manifest that ingestion writes.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import IndexMismatchError, RetrievalError
from core.index import CorpusFiles, Generation, open_snapshot
from core.settings import RetrieveSettings
from retriever.dense import DenseIndex, open_dense
from retriever.lexical import ANYWHERE, Inside, LexicalIndex
from retriever.weights import Weights, read_tuning, weights_for
from retriever.where import Condition

Row = dict[str, Any]
Stamp = tuple[int, ...]

_COLUMNS = "number, id, source, locator, headings, start, end, page, place, first_line, last_line, ordinal, text"
_VARIABLES = 500  # well below SQLite's limit for one statement
# Up to so many chunks left by a filter, all their vectors are compared: exact, and quicker than asking Chroma again.
_SCAN_BELOW = 5000


@dataclass(frozen=True)
class OpenCorpus:
    """An opened generation of corpus `name`. The caller holds the lock of its CorpusIndex."""

    name: str
    stamp: Stamp
    generation: Generation
    connection: sqlite3.Connection
    lexical: LexicalIndex
    dense: DenseIndex
    weights: Weights
    _inside: dict[str, Inside] = field(default_factory=dict)

    def inside(self, condition: Condition | None) -> Inside:
        """A filter as a condition on the lexical table's rowid."""
        if condition is None:
            return ANYWHERE
        # The plus keeps SQLite from looking every chunk up in the full-text index, one by one.
        return f"AND +rowid IN ({_CHOSEN} {condition[0]})", condition[1]

    def nearest(
        self, vectors: Sequence[list[float]], limit: int, condition: Condition | None
    ) -> list[list[tuple[int, float]]]:
        """For each vector, chunk numbers with their cosine to it, best first. With a filter: exactly the best of it."""
        if condition is None:
            return self._ask_chroma(vectors, min(limit, self.generation.chunks))
        chosen = {number for (number,) in self.connection.execute(f"{_CHOSEN} {condition[0]}", condition[1])}
        if not chosen:
            return [[] for _ in vectors]
        if len(chosen) > _SCAN_BELOW:
            reach = min(2 * limit * self.generation.chunks // len(chosen), self.generation.chunks)
            found = [[hit for hit in hits if hit[0] in chosen][:limit] for hits in self._ask_chroma(vectors, reach)]
            if all(len(hits) >= min(limit, len(chosen)) for hits in found):
                return found
        return self._scan(vectors, sorted(chosen), limit)

    def rows(self, numbers: Iterable[int]) -> dict[int, Row]:
        """Chunks by number."""
        names = _COLUMNS.split(", ")
        found: dict[int, Row] = {}
        for part in _slices(list(numbers)):
            query = f"SELECT {_COLUMNS} FROM chunks WHERE number IN ({_marks(part)})"  # noqa: S608 - question marks
            found |= {row[0]: dict(zip(names, row, strict=True)) for row in self.connection.execute(query, part)}
        return found

    def _ask_chroma(self, vectors: Sequence[list[float]], limit: int) -> list[list[tuple[int, float]]]:
        found = self.dense.search(list(vectors), limit)
        numbers: dict[str, int] = {}
        for part in _slices(list({identity for hits in found for identity, _ in hits})):
            query = f"SELECT id, number FROM chunks WHERE id IN ({_marks(part)})"  # noqa: S608 - question marks
            numbers.update(self.connection.execute(query, part))
        return [[(numbers[identity], score) for identity, score in hits if identity in numbers] for hits in found]

    def _scan(self, vectors: Sequence[list[float]], numbers: list[int], limit: int) -> list[list[tuple[int, float]]]:
        kept: list[int] = []
        blobs: list[bytes] = []
        for part in _slices(numbers):
            query = (
                "SELECT c.number, v.vector FROM chunks c JOIN vectors v ON v.key = c.vector_key "  # noqa: S608 - marks
                f"WHERE c.number IN ({_marks(part)})"
            )
            for number, blob in self.connection.execute(query, part):
                kept.append(number)
                blobs.append(blob)
        matrix = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1)
        found = []
        for scores in np.asarray(vectors, dtype=np.float32) @ matrix.T:
            best = np.argsort(-scores, kind="stable")[:limit]
            found.append([(kept[index], float(scores[index])) for index in best])
        return found

    def close(self) -> None:
        """Let go of all files."""
        with suppress(Exception):  # closing what may already be gone
            self.dense.close()
        self.connection.close()


_CHOSEN = "SELECT c.number FROM chunks c JOIN documents d ON d.source = c.source WHERE"


class CorpusIndex:
    """Opens a corpus's current generation and keeps it open. Hold `lock` while using what `current` gives."""

    def __init__(self, folder: Path, embedder: str, settings: RetrieveSettings) -> None:
        self._files = CorpusFiles(folder)
        self._embedder, self._settings = embedder, settings
        self._open: OpenCorpus | None = None
        self.name = folder.name
        self.lock = threading.RLock()

    def current(self) -> OpenCorpus:
        """What questions are answered from now. Raises RetrievalError, IndexMismatchError."""
        stamp = (*_stamp(self._files.pointer), *_stamp(self._files.tuning))
        if self._open is not None and self._open.stamp == stamp:
            return self._open
        generation = self._files.read_pointer()
        if generation is None:
            raise RetrievalError(f"corpus '{self.name}' has no index yet: run graft ingest --domain {self.name}")
        self._check(generation)
        opened = self._open_generation(generation, stamp)
        self.close()
        self._open = opened
        return opened

    def close(self) -> None:
        """Close the index; the next question opens it again."""
        with self.lock:
            if self._open is not None:
                self._open.close()
            self._open = None

    def _check(self, generation: Generation) -> None:
        if generation.embedder != self._embedder:
            raise IndexMismatchError(
                f"the index of '{self.name}' was made by another embedder ({generation.embedder[:8]}, now "
                f"{self._embedder[:8]}): go back to that one with --embedder, or run graft ingest --domain {self.name} "
                "--reembed, which embeds every chunk again"
            )
        if not generation.chunks:
            raise RetrievalError(f"the index of '{self.name}' is empty: put documents into its corpus and ingest again")

    def _open_generation(self, generation: Generation, stamp: Stamp) -> OpenCorpus:
        snapshot = self._files.snapshot(generation.name)
        try:
            connection = open_snapshot(snapshot)
            connection.execute("SELECT 1 FROM chunks LIMIT 1")
        except sqlite3.Error as error:
            raise RetrievalError(
                f"the index {snapshot} cannot be opened ({error}): run graft index repair --domain {self.name}"
            ) from error
        weights = weights_for(self._settings, read_tuning(self._files.tuning))
        lexical = LexicalIndex(connection, generation.chunks)
        dense = open_dense(self._files, generation)
        return OpenCorpus(self.name, stamp, generation, connection, lexical, dense, weights)


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_ino, status.st_mtime_ns


def _slices(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + _VARIABLES] for start in range(0, len(items), _VARIABLES))


def _marks(values: list[Any]) -> str:
    return ",".join("?" * len(values))
