"""The process that bench_kill kills: one real ingestion, which writes down each step as soon as it is on disk.

Started through multiprocessing's fork server, with everything imported, so that its time goes into the ingestion.
"""

import hashlib
import math
import os
import resource
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What the fork server imports before it forks; nothing of it starts a thread.
PRELOAD = ["ingest.pipeline", "ingest.repair", "chromadb", "bench.kill_child"]
ERROR_EXIT = 3
PACKAGED = "packaged"


@dataclass(frozen=True)
class Order:
    """An ingestion of `corpus` into `target`. `kill_at`: die when this step has happened for the `kill_nth` time.

    `embedder`: fingerprint of a hash embedder, or `packaged`. `largest_file`: bytes that a file may have (a full disk).
    """

    corpus: Path
    target: Path
    log: Path
    embedder: str
    reembed: bool = False
    kill_at: str = ""
    kill_nth: int = 1
    largest_file: int | None = None


class HashEmbedder:
    """Vectors of 32 numbers from the hashes of words; no model. Its fingerprint enters them."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def count_many(self, texts: list[str]) -> list[int]:
        """Words instead of tokens."""
        return [len(text.split()) for text in texts]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector each."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """One vector."""
        vector = [0.0] * 32
        for word in [self.fingerprint, *text.split()]:
            vector[hashlib.sha256(word.encode()).digest()[0] % 32] += 1.0
        length = math.sqrt(sum(number * number for number in vector))
        return [number / length for number in vector]


def run(order: Order) -> None:
    """Ingest. Exits with ERROR_EXIT and the error's words in the log when it cannot."""
    from core.errors import GraftError
    from ingest import filling, reading
    from ingest.pipeline import ingest_corpus

    os.setsid()
    # Small groups, so that a small corpus has as many moments as a large one.
    reading.GROUP, filling._FEW = 8, 4  # noqa: SLF001
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    seen: Counter[str] = Counter()

    def on_step(step: str, detail: str) -> None:
        seen[step] += 1
        os.write(log, f"{step}\t{detail}\n".encode())
        if step == order.kill_at and seen[step] == order.kill_nth:
            os.kill(os.getpid(), signal.SIGKILL)

    if order.largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, order.largest_file))
    try:
        report = ingest_corpus(
            [order.corpus],
            order.target,
            embedder(order.embedder),
            settings(),
            on_step=on_step,
            reembed=order.reembed,
            allow_mass_deletion=True,
        )
    except GraftError as error:
        os.write(log, f"error\t{' '.join(str(error).split())}\n".encode())
        os._exit(ERROR_EXIT)
    assert report.reconciles
    on_step("done", report.model_dump_json(exclude={"rejected", "notes"}))


def settings() -> Any:
    """Settings of every ingestion here."""
    from core.settings import IngestSettings

    return IngestSettings(chunk_tokens=48, workers=2)


class PackagedEmbedder(HashEmbedder):
    """The packaged model; words are counted as the hash embedder counts them, so that chunks are the same."""

    def __init__(self) -> None:
        from graft.models import packaged_embedder
        from retriever.embedder import load_embedder

        self._model = load_embedder(packaged_embedder())
        super().__init__(self._model.fingerprint)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector each."""
        return self._model.embed_documents(texts)


def embedder(name: str) -> Any:
    """The embedder called `name`: `packaged`, or the fingerprint of a hash embedder."""
    return PackagedEmbedder() if name == PACKAGED else HashEmbedder(name)
