"""The text of a corpus as its index holds it: for checking quotes, and for asking about chunks. Reads, never writes."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.errors import TrainError
from core.index import CorpusFiles, open_snapshot


class ChunkText(NamedTuple):
    """One chunk: its content id, where it is from, and its text."""

    id: str
    source: str
    locator: str
    text: str


class CorpusText:
    """Documents and chunks of the served generation of one corpus, in memory, with white space folded on demand."""

    def __init__(self, chunks: dict[str, list[ChunkText]], texts: dict[str, str]) -> None:
        self._chunks, self._texts = chunks, texts

    @classmethod
    def open(cls, folder: Path) -> "CorpusText | None":
        """Read the index in `folder`; None before the first ingestion. Raises IndexMismatchError."""
        files = CorpusFiles(folder)
        generation = files.read_pointer()
        if generation is None:
            return None
        chunks: dict[str, list[ChunkText]] = {}
        parts: dict[str, list[str]] = {}
        reached: dict[str, int] = {}
        with contextlib.closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
            for identity, source, locator, start, end, text in snapshot.execute(
                "SELECT id, source, locator, start, end, text FROM chunks ORDER BY source, ordinal"
            ):
                chunks.setdefault(source, []).append(ChunkText(identity, source, locator, text))
                # The table's header rows, repeated before later rows, stand before `start`; overlaps count once.
                own = text[len(text) - (end - start) :] if len(text) > end - start else text
                parts.setdefault(source, []).append(own[max(0, reached.get(source, 0) - start) :])
                reached[source] = max(reached.get(source, 0), end)
        return cls(chunks, {source: fold_space(" ".join(found)) for source, found in parts.items()})

    @property
    def sources(self) -> list[str]:
        """Documents that have chunks."""
        return list(self._chunks)

    def count(self, source: str, quote: str) -> int:
        """How often `quote` stands in a document, white space folded. Raises TrainError for an unknown document."""
        if source not in self._texts:
            raise TrainError(f"no document '{source}' in the index")
        return self._texts[source].count(fold_space(quote))

    def holders(self, source: str, quote: str) -> list[ChunkText]:
        """The chunks of a document that hold `quote` whole, white space folded."""
        wanted = fold_space(quote)
        return [chunk for chunk in self._chunks.get(source, []) if wanted in fold_space(chunk.text)]

    def chunks(self, seed: int) -> Iterator[ChunkText]:
        """Every chunk once, in an order drawn by `seed` that goes round the documents."""
        draw = random.Random(seed)
        queues = [draw.sample(self._chunks[source], len(self._chunks[source])) for source in sorted(self._chunks)]
        draw.shuffle(queues)
        while queues:
            for queue in queues:
                yield queue.pop()
            queues = [queue for queue in queues if queue]


def fold_space(text: str) -> str:
    """White space folded to single blanks."""
    return " ".join(text.split())
