"""Brings the index of one corpus up to date with its files: parse, cut, embed, acknowledge, then switch the generation.

Documents are acknowledged in the manifest in small groups while parsing goes on in other processes; killed at any
moment, the next run goes on from there. Knows no question and no domain.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from langchain_core.embeddings import Embeddings

from core.errors import IngestError
from core.files import disk_error, sha256_file
from core.index import CorpusFiles, Generation
from core.settings import IngestSettings
from ingest.blocks import ParsedDocument
from ingest.chunks import VERSION, Chunk, CountTokens, make_chunks
from ingest.files import FoundFile, Refused, find_files
from ingest.generation import build_generation
from ingest.lock import writer_lock
from ingest.manifest import Known, Manifest
from ingest.pool import Parsed, ParserPool
from ingest.process import Limits
from ingest.report import IngestReport, Rejected

Progress = Callable[[str, int, int], None]
# Texts embedded and acknowledged together: enough for batches of equal length, few enough to lose when killed.
_GROUP = 512


def ingest_corpus(
    paths: Sequence[Path],
    corpus_dir: Path,
    embeddings: Embeddings,
    settings: IngestSettings,
    *,
    chroma_url: str | None = None,
    on_progress: Progress | None = None,
    reembed: bool = False,
) -> IngestReport:
    """Index the files below `paths` (folders or files) into `corpus_dir`.

    `embeddings` may have `fingerprint` (str) and `count_many(texts)`; without them its class name and a rough count
    stand in. `on_progress(stage, done, total)` is called with stage `parse`, `embed` (in chunks), or `store`.
    Unchanged documents are neither parsed nor embedded. `reembed` allows another embedder than the index was built
    with. Raises IngestError, IndexMismatchError, WorkspaceError.
    """
    started = time.perf_counter()
    report = on_progress or (lambda stage, done, total: None)
    for path in paths:
        if not path.exists():
            raise IngestError(f"{path} does not exist: name a file or folder to ingest")
    embedder = getattr(embeddings, "fingerprint", type(embeddings).__name__)
    files = CorpusFiles(corpus_dir)
    with writer_lock(corpus_dir.parent):
        manifest: Manifest | None = None
        try:
            manifest = Manifest(files, embedder, reembed)
            run = _Run(manifest, embeddings, settings, report, corpus_dir / "parsing")
            outcome = run.sync(find_files(paths, settings.max_file_mib << 20))
            generation = build_generation(
                files, manifest.connection, embedder, chroma_url, lambda done, total: report("store", done, total)
            )
        except sqlite3.OperationalError as error:
            raise _database_error(error, files) from error
        except OSError as error:
            raise disk_error(error, corpus_dir) from error
        finally:
            if manifest is not None:
                manifest.close()
    return _finish(outcome, generation, started)


def _finish(outcome: IngestReport, generation: Generation, started: float) -> IngestReport:
    outcome.chunks = generation.chunks
    outcome.rejected.sort(key=lambda entry: entry.source)
    outcome.seconds = round(time.perf_counter() - started, 3)
    return outcome


def _database_error(error: sqlite3.Error, files: CorpusFiles) -> Exception:
    if "full" in str(error):
        return IngestError(
            f"no space left while writing {files.manifest}: free some disk, then run the same command again"
        )
    return IngestError(f"{files.manifest} cannot be written ({error}): check the disk, then run the same command again")


class _Run:
    """One ingestion: what is known, what is counted."""

    def __init__(
        self,
        manifest: Manifest,
        embeddings: Embeddings,
        settings: IngestSettings,
        on_progress: Progress,
        scratch: Path,
    ) -> None:
        self._manifest, self._embeddings, self._settings = manifest, embeddings, settings
        self._on_progress, self._scratch = on_progress, scratch
        self._limits = Limits(settings.max_file_mib << 20, settings.parse_seconds, settings.parse_memory_mib << 20)
        self._count = _counter(embeddings)
        self._parsing = f"{VERSION}:{settings.chunk_tokens}"
        self._report = IngestReport()
        self._known: dict[str, Known] = {}

    def sync(self, entries: Sequence[FoundFile | Refused]) -> IngestReport:
        """Make the manifest agree with `entries`."""
        self._known = self._manifest.known()
        present = {entry.source for entry in entries if isinstance(entry, FoundFile)}
        gone = [source for source in self._known if source not in present]
        self._manifest.delete(gone)
        self._report.deleted = sum(self._known[source].status == "indexed" for source in gone)
        to_parse = []
        for entry in entries:
            if isinstance(entry, Refused):
                self._reject(entry.source, entry.reason)
            elif not self._is_unchanged(entry):
                to_parse.append(entry)
        if to_parse:
            self._parse_and_store(to_parse)
        if to_parse or gone:
            self._manifest.drop_unused_vectors()
        return self._report

    def _is_unchanged(self, file: FoundFile) -> bool:
        known = self._known.get(file.source)
        if known is None or known.parsing != self._parsing:
            return False
        if not known.looks_like(file):
            try:
                if not known.sha256 or sha256_file(file.path) != known.sha256:
                    return False
            except OSError:
                return False
            self._manifest.touch(file)
        if known.status == "rejected":
            self._reject(file.source, known.reason)
        else:
            self._report.skipped += 1
        return True

    def _parse_and_store(self, files: Sequence[FoundFile]) -> None:
        workers = min(self._settings.workers, len(files))
        group: list[tuple[Parsed, ParsedDocument, list[Chunk]]] = []
        pending = 0
        size, parsed_size = sum(file.size for file in files), 0
        with ParserPool(workers, self._limits, self._scratch) as pool:
            for done, parsed in enumerate(pool.parse(files), start=1):
                self._on_progress("parse", done, len(files))
                parsed_size += parsed.file.size
                if parsed.document is None:
                    self._manifest.put_rejected(parsed.file, parsed.sha256, parsed.reason, self._parsing)
                    self._reject(parsed.file.source, parsed.reason)
                    continue
                chunks = make_chunks(parsed.document, self._settings.chunk_tokens, self._count)
                group.append((parsed, parsed.document, chunks))
                pending += len(chunks)
                if pending >= _GROUP:
                    self._store(group, parsed_size / max(size, 1))
                    group, pending = [], 0
            if group:
                self._store(group, 1.0)

    def _store(self, group: Sequence[tuple[Parsed, ParsedDocument, list[Chunk]]], share: float) -> None:
        """Embed what has no vector yet, then acknowledge the documents one by one. `share` of the bytes is parsed."""
        texts = self._manifest.missing_vectors(chunk for _, _, chunks in group for chunk in chunks)
        vectors: dict[str, list[float]] = {}
        for keys in _slices(list(texts), max(self._settings.batch_size, 256)):
            vectors.update(zip(keys, self._embeddings.embed_documents([texts[key] for key in keys]), strict=True))
            self._report.embedded += len(keys)
            # How many there will be is known only at the end: estimated from the share of bytes done.
            expected = int(max(self._report.embedded, (self._report.embedded + len(texts) - len(vectors)) / share))
            self._on_progress("embed", self._report.embedded, expected)
        for parsed, document, chunks in group:
            self._manifest.put(parsed.file, parsed.sha256, document, chunks, vectors, self._parsing)
            before = self._known.get(parsed.file.source)
            if before is not None and before.status == "indexed":
                self._report.updated += 1
            else:
                self._report.indexed += 1

    def _reject(self, source: str, reason: str) -> None:
        self._report.rejected.append(Rejected(source=source, reason=reason))


def _slices(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _counter(embeddings: Embeddings) -> CountTokens:
    many = getattr(embeddings, "count_many", None)
    if many is not None:
        return many
    one = getattr(embeddings, "count_tokens", None) or (lambda text: len(text) // 4 + 1)

    def count(texts: Iterable[str]) -> list[int]:
        return [one(text) for text in texts]

    return count
