"""Brings the index of one corpus up to date with its files: compare, parse, embed, acknowledge, switch the generation.

Documents are acknowledged in the manifest in small groups while parsing and the vector index go on beside; killed at
any moment, the next run goes on from there. Knows no question and no domain.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import IngestError
from core.files import disk_error
from core.index import CorpusFiles, Generation
from core.settings import IngestSettings
from ingest.files import find_files, hash_file
from ingest.generation import GenerationBuild
from ingest.lock import writer_lock
from ingest.manifest import Manifest, manifest_error
from ingest.parsing import way_of_parsing
from ingest.plan import NOT_READ, Plan, check_deletions, make_plan
from ingest.reading import Outcome, Reading
from ingest.report import IngestReport, Note, Rejected
from ingest.vectors import Vectors

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

Progress = Callable[[str, int, int], None]
OnStep = Callable[[str, str], None]


def ingest_corpus(
    paths: Sequence[Path],
    corpus_dir: Path,
    embeddings: "Embeddings",
    settings: IngestSettings,
    *,
    chroma_url: str | None = None,
    on_progress: Progress | None = None,
    on_step: OnStep | None = None,
    reembed: bool = False,
    allow_mass_deletion: bool = False,
) -> IngestReport:
    """Index the files below `paths` (folders or files) into `corpus_dir`.

    `embeddings` may have `fingerprint` (str), `count_many(texts)` and `load()`, see `ingest.vectors`.
    `on_progress(stage, done, total)` is called with stage `parse` (files), `embed` (chunks), or `store` (chunks);
    `on_step(step, detail)` after each step is on disk, from the thread that did it.

    Unchanged documents are neither parsed nor embedded, renamed ones keep what was made of them. `reembed` embeds
    every chunk again: what another embedder needs, and needs a word for. A sync that would remove more than half of
    the documents raises MassDeletionError before it changes anything, unless `allow_mass_deletion`. Raises IngestError,
    IndexMismatchError, WorkspaceError.
    """
    started = time.perf_counter()
    for path in paths:
        if not path.exists():
            raise IngestError(
                f"{path} does not exist: name a file or folder to ingest, or mount it; the index stays as it is"
            )
    files, vectors = CorpusFiles(corpus_dir), Vectors(embeddings)
    step = on_step or (lambda name, detail: None)
    with (
        writer_lock(corpus_dir.parent),
        _disk_errors(files),
        closing(Manifest(files, vectors.fingerprint, reembed=reembed)) as manifest,
    ):
        step("manifest opened", "")
        sync = _Sync(files, manifest, vectors, settings, on_progress or (lambda stage, done, total: None), step)
        report = sync.run(paths, chroma_url, allow_mass_deletion=allow_mass_deletion)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


@contextmanager
def _disk_errors(files: CorpusFiles) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise manifest_error(error, files) from error
    except OSError as error:
        raise disk_error(error, files.root) from error


class _Sync:
    """One ingestion, with the writer's lock held."""

    def __init__(
        self,
        files: CorpusFiles,
        manifest: Manifest,
        vectors: Vectors,
        settings: IngestSettings,
        progress: Progress,
        step: OnStep,
    ) -> None:
        self._files, self._manifest, self._vectors, self._settings = files, manifest, vectors, settings
        self._progress, self._step = progress, step
        self._parsing = way_of_parsing(settings)

    def run(self, paths: Sequence[Path], chroma_url: str | None, *, allow_mass_deletion: bool) -> IngestReport:
        """Make manifest and generation agree with the files."""
        entries = find_files(paths, self._settings.max_file_mib << 20)
        plan = make_plan(entries, self._manifest.known(), self._parsing)
        if not allow_mass_deletion:
            check_deletions(plan, self._manifest.name)
        self._apply(plan)
        share = plan.share_of_change()
        with GenerationBuild(
            self._files, self._manifest, chroma_url, share_of_change=share, on_step=self._step
        ) as build:
            outcome = Outcome()
            if plan.parse or self._manifest.is_reembedding or not build.is_current:
                build.start()
                outcome = self._read(plan, build, allow_mass_deletion=allow_mass_deletion)
            # All that was new may have been rejected.
            generation = build.served if build.is_current else build.finish(self._progress)
        assert generation is not None
        return _report(plan, outcome, generation)

    def _apply(self, plan: Plan) -> None:
        """Note in the manifest what needs no parsing: renames and copies, deletions, new times."""
        if plan.copies or plan.gone or plan.touch:
            with self._manifest.transaction():
                for copy in plan.copies:
                    self._manifest.copy(copy.of, copy.file)
                self._manifest.delete(plan.gone)
                for file in plan.touch:
                    self._manifest.touch(file)
            self._step("changes noted", "")
        if plan.refuse:
            self._manifest.put_rejected([(refused.as_file(), "", refused.reason) for refused in plan.refuse], NOT_READ)

    def _read(self, plan: Plan, build: GenerationBuild, *, allow_mass_deletion: bool) -> Outcome:
        reading = Reading(
            self._manifest, self._vectors, self._settings, self._parsing, self._progress, self._step, build.advance
        )
        outcome = Outcome()
        if plan.parse:
            outcome = reading.run(plan.parse, plan.known)
            self._reject(plan, outcome, allow_mass_deletion=allow_mass_deletion)
        outcome.embedded += reading.embed_missing()
        if self._manifest.is_reembedding:
            build.wait()
            self._manifest.switch_vectors()
            self._step("vectors switched", "")
        self._manifest.drop_unused_vectors()
        return outcome

    def _reject(self, plan: Plan, outcome: Outcome, *, allow_mass_deletion: bool) -> None:
        """Let go of documents that can no longer be read; not of more than half of them without a word.

        Those whose parsing process died stay as they were: that may have had another cause. Once; then they go too.
        """
        lasting, passing = [], []
        for item in outcome.kept:
            lasts = item.sha256 or plan.known[item.file.source].is_unsettled
            (lasting if lasts else passing).append(item)
        if passing:
            self._manifest.note_failure([(item.file.source, item.reason) for item in passing])
        if not lasting:
            return
        if not allow_mass_deletion:
            first = lasting[0]
            check_deletions(plan, self._manifest.name, len(lasting), f"{first.file.source}: {first.reason}")
        rejected = [(item.file, item.sha256 or hash_file(item.file.path), item.reason) for item in lasting]
        self._manifest.put_rejected(rejected, self._parsing)
        self._step("changes noted", "")


def _report(plan: Plan, outcome: Outcome, generation: Generation) -> IngestReport:
    reasons = {**plan.rejected, **{item.file.source: item.reason for item in [*outcome.rejected, *outcome.kept]}}
    before = {source for source, known in plan.known.items() if known.status == "indexed"}
    updated = sum(source in before for source in outcome.acknowledged)
    copies = {how: sum(copy.how == how for copy in plan.copies) for how in ("indexed", "updated", "renamed")}
    return IngestReport(
        found=plan.found,
        indexed=len(outcome.acknowledged) - updated + copies["indexed"],
        updated=updated + copies["updated"],
        renamed=copies["renamed"],
        skipped=len(plan.skipped),
        deleted=len(plan.deleted),
        rejected=[Rejected(source=source, reason=reasons[source]) for source in sorted(reasons)],
        notes=[Note(source=source, note=outcome.notes[source]) for source in sorted(outcome.notes)],
        chunks=generation.chunks,
        embedded=outcome.embedded,
    )
