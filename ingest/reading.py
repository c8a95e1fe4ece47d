"""Files to acknowledged documents: parsed in other processes, cut in one thread, embedded here, written in another.

Nothing waits for what it does not need: embedding goes on while SQLite writes, parsing while there is embedding.
Hand-overs are bounded, so memory stays flat as a corpus grows. Knows no Chroma and nothing of what was there before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

from core.settings import IngestSettings
from ingest.background import Ahead, Jobs
from ingest.chunk_rows import vector_key
from ingest.chunks import make_chunks
from ingest.documents import Document, Known
from ingest.files import FoundFile, hash_file
from ingest.manifest import Manifest, keys_with_vector
from ingest.pool import ParserPool
from ingest.process import Limits
from ingest.vectors import Vectors

Progress = Callable[[str, int, int], None]
OnStep = Callable[[str, str], None]
# Chunks embedded and acknowledged together: enough for batches of equal length, few enough to lose when killed.
GROUP = 512
# A parsing process takes two seconds to start: worth it from so many files on.
_FILES_PER_WORKER = 8


@dataclass(frozen=True)
class Unread:
    """A file that gave no document, and why. `sha256` is empty when it was not even read."""

    file: FoundFile
    sha256: str
    reason: str


@dataclass
class Outcome:
    """What became of the files: documents acknowledged, files without one, remarks, and how many chunks were embedded.

    `kept` are unread files that were indexed before: the manifest still has them as they were.
    """

    acknowledged: list[str] = field(default_factory=list)
    rejected: list[Unread] = field(default_factory=list)
    kept: list[Unread] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    embedded: int = 0


class Reading:
    """Reads files into `manifest` under the name of a way of `parsing`. `on_acknowledged` is told after each group.

    `progress` is called from the calling thread, with stages `parse` (files) and `embed` (chunks); `on_step` and
    `on_acknowledged` from the thread that writes.
    """

    def __init__(
        self,
        manifest: Manifest,
        vectors: Vectors,
        settings: IngestSettings,
        parsing: str,
        progress: Progress,
        on_step: OnStep,
        on_acknowledged: Callable[[], None],
    ) -> None:
        self._manifest, self._vectors, self._settings, self._parsing = manifest, vectors, settings, parsing
        self._progress, self._on_step, self._on_acknowledged = progress, on_step, on_acknowledged
        # Keys whose vectors are made but perhaps not yet on disk.
        self._on_the_way: set[str] = set()
        self._outcome = Outcome()

    def run(self, files: Sequence[FoundFile], known: Mapping[str, Known]) -> Outcome:
        """Read `files`; `known` are the documents as they were before. What is acknowledged stays, whatever happens.

        Raises IngestError, sqlite3.Error, OSError.
        """
        self._known = known
        settings = self._settings
        workers = min(settings.workers, 1 + (len(files) - 1) // _FILES_PER_WORKER)
        limits = Limits(settings.max_file_mib << 20, settings.parse_seconds, settings.parse_memory_mib << 20)
        pool = ParserPool(workers, limits, self._manifest.files.scratch)
        with ExitStack() as stack:
            self._reader = stack.enter_context(closing(self._manifest.reader()))
            self._writer = stack.enter_context(Jobs("write", 4))
            documents = stack.enter_context(Ahead(self._cut(pool, files), 2 * GROUP, _chunk_count))
            stack.enter_context(pool)  # ends first, and with it whatever the thread before waits for
            self._progress("parse", 0, len(files))
            documents.start()
            self._vectors.load()
            self._consume(documents, len(files), sum(file.size for file in files))
            self._writer.wait()
        return self._outcome

    def embed_missing(self) -> int:
        """Embed the texts of known chunks that have no vector (after a change of the embedder, or a repair)."""
        total, done, last = self._manifest.count_without_vector(), 0, ""
        while total and (texts := self._manifest.texts_without_vector(GROUP, last)):
            self._manifest.put_vectors(self._vectors.make(texts))
            self._on_step("vectors stored", str(len(texts)))
            last = max(texts)
            done += len(texts)
            self._progress("embed", done, max(total, done))
        return done

    def _cut(self, pool: ParserPool, files: Sequence[FoundFile]) -> Iterator[Document | Unread]:
        for parsed in pool.parse(files):
            found = parsed.document
            if found is None:
                yield Unread(parsed.file, parsed.sha256, parsed.reason)
                continue
            chunks = make_chunks(found, self._settings.chunk_tokens, self._vectors.count)
            if chunks:
                yield Document(parsed.file, parsed.sha256, chunks, found.title, found.format, found.notes)
            else:
                yield Unread(parsed.file, parsed.sha256, "no text found in it")

    def _consume(self, documents: Iterable[Document | Unread], total: int, size: int) -> None:
        group: list[Document | Unread] = []
        pending = parsed_size = 0
        for done, document in enumerate(documents, start=1):
            self._progress("parse", done, total)
            parsed_size += document.file.size
            group.append(document)
            pending += len(document.chunks) if isinstance(document, Document) else 0
            if pending >= GROUP:
                self._finish(group, parsed_size / max(size, 1))
                group, pending = [], 0
        if group:
            self._finish(group, 1.0)

    def _finish(self, group: Sequence[Document | Unread], share: float) -> None:
        """Embed what has no vector yet and hand the group over to be written. `share` of all bytes is parsed."""
        documents = [document for document in group if isinstance(document, Document)]
        texts = {vector_key(chunk): chunk.embedded for document in documents for chunk in document.chunks}
        known = keys_with_vector(self._reader, self._manifest.vectors, list(texts))
        todo = [key for key in texts if key not in known and key not in self._on_the_way]
        for start in range(0, len(todo), GROUP):
            keys = todo[start : start + GROUP]
            made = self._vectors.make({key: texts[key] for key in keys})
            self._on_the_way.update(keys)
            self._writer.submit(self._put_vectors, made)
            self._outcome.embedded += len(keys)
            # How many there will be is known only at the end: estimated from the share of bytes done.
            left = len(todo) - start - len(keys)
            expected = int(max(self._outcome.embedded, (self._outcome.embedded + left) / share))
            self._progress("embed", self._outcome.embedded, expected)
        self._writer.submit(self._acknowledge, documents, [item for item in group if isinstance(item, Unread)])

    def _put_vectors(self, made: dict[str, bytes]) -> None:
        self._manifest.put_vectors(made)
        self._on_the_way.difference_update(made)
        self._on_step("vectors stored", str(len(made)))

    def _acknowledge(self, documents: Sequence[Document], unread: Sequence[Unread]) -> None:
        rejected = []
        for item in unread:
            before = self._known.get(item.file.source)
            if before is not None and before.status == "indexed":
                self._outcome.kept.append(item)
            else:
                rejected.append(self._settled(item, before))
        self._outcome.rejected += rejected
        if rejected:
            self._manifest.put_rejected([(item.file, item.sha256, item.reason) for item in rejected], self._parsing)
        if not documents:
            return
        self._manifest.put(documents, self._parsing)
        for document in documents:
            self._outcome.acknowledged.append(document.file.source)
            if document.notes:
                self._outcome.notes[document.file.source] = document.notes
            self._on_step("document acknowledged", document.file.source)
        self._on_acknowledged()

    @staticmethod
    def _settled(item: Unread, before: Known | None) -> Unread:
        """A file that failed twice for a reason that might have passed is not tried again until it changes."""
        if item.sha256 or before is None or not before.is_unsettled:
            return item
        return replace(item, sha256=hash_file(item.file.path))


def _chunk_count(document: Document | Unread) -> int:
    return 1 + len(document.chunks) if isinstance(document, Document) else 1
