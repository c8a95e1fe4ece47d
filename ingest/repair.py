"""Makes an index whole again from what is left of it, and rebuilds generations. Knows no files of a corpus.

Acknowledged text is never thrown away: a manifest that cannot be used is kept aside under another name, and what can
still be read of it is carried over.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import IngestError
from core.files import disk_error
from core.index import CorpusFiles, Generation
from core.settings import IngestSettings
from ingest.check import check_index
from ingest.findings import Findings
from ingest.generation import GenerationBuild
from ingest.lexical import insert_lexical
from ingest.lock import writer_lock
from ingest.manifest import Manifest, manifest_error
from ingest.reading import Reading
from ingest.restore import restore_manifest
from ingest.vectors import Vectors

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

Progress = Callable[[str, int, int], None]
_QUIET: Progress = lambda stage, done, total: None  # noqa: E731


def verify_index(corpus_dir: Path, progress: Progress = _QUIET) -> Findings:
    """Look into every part of an index. Raises IngestError while it is being written, IndexMismatchError."""
    with writer_lock(corpus_dir.parent):
        return check_index(CorpusFiles(corpus_dir), progress)


def repair_index(
    corpus_dir: Path,
    embeddings: "Callable[[], Embeddings]",
    *,
    chroma_url: str | None = None,
    progress: Progress = _QUIET,
) -> list[str]:
    """Put right what `verify_index` finds; returns what was done, a line each. Raises IngestError, WorkspaceError.

    `embeddings` is called only if chunks have lost their vectors.
    """
    files = CorpusFiles(corpus_dir)
    done: list[str] = []
    with writer_lock(corpus_dir.parent):
        findings = check_index(files, progress)
        if findings.absent:
            return done
        try:
            if findings.damaged:
                done += restore_manifest(files, findings.damaged)
                if not files.manifest.exists():
                    return done
                findings = check_index(files, progress)
            with closing(Manifest(files, None)) as manifest:
                done += _mend(manifest, findings)
                done += _embed(manifest, files, findings, embeddings, progress)
                if findings.generation or findings.chroma or findings.unserved or done:
                    generation = _build(files, manifest, chroma_url, progress)
                    done.append(f"built generation {generation.name}: {generation.chunks} chunks")
        except sqlite3.Error as error:
            raise manifest_error(error, files) from error
        except OSError as error:
            raise disk_error(error, files.root) from error
    return done


def rebuild_index(
    corpus_dir: Path,
    *,
    chroma_url: str | None = None,
    reembed: "Embeddings | None" = None,
    progress: Progress = _QUIET,
) -> Generation:
    """Build a new generation from the manifest; with `reembed`, from new vectors. Raises IngestError."""
    files = CorpusFiles(corpus_dir)
    if not files.manifest.exists():
        raise IngestError(f"there is no index in {corpus_dir}: run graft ingest --domain {corpus_dir.name}")
    with writer_lock(corpus_dir.parent):
        try:
            if reembed is None:
                with closing(Manifest(files, None)) as manifest:
                    return _build(files, manifest, chroma_url, progress)
            vectors = Vectors(reembed)
            with closing(Manifest(files, vectors.fingerprint, reembed=True)) as manifest:
                _reading(manifest, vectors, progress).embed_missing()
                manifest.switch_vectors()
                return _build(files, manifest, chroma_url, progress)
        except sqlite3.Error as error:
            raise manifest_error(error, files) from error
        except OSError as error:
            raise disk_error(error, files.root) from error


def _build(files: CorpusFiles, manifest: Manifest, chroma_url: str | None, progress: Progress) -> Generation:
    if manifest.count_without_vector():
        raise IngestError(
            f"some chunks of '{files.root.name}' have no vector: run graft index repair --domain {files.root.name}"
        )
    with GenerationBuild(files, manifest, chroma_url, anew=True) as build:
        return build.finish(progress)


def _reading(manifest: Manifest, vectors: Vectors, progress: Progress) -> Reading:
    nothing = lambda *_: None  # noqa: E731
    return Reading(manifest, vectors, IngestSettings(), "", progress, nothing, nothing)


def _mend(manifest: Manifest, findings: Findings) -> Iterator[str]:
    """Drop what is broken in the manifest, and make what can be made from the rest."""
    name = manifest.name
    if findings.documents:
        with manifest.transaction():
            manifest.delete(findings.documents)
        some = ", ".join(list(findings.documents)[:5])
        yield f"dropped {len(findings.documents)} broken documents ({some}): graft ingest --domain {name} reads them"
    if findings.vectors:
        with manifest.transaction():
            manifest.connection.executemany("DELETE FROM vectors WHERE key = ?", [(key,) for key in findings.vectors])
            manifest.bump()
        yield f"dropped {len(findings.vectors)} vectors that could not be right"
    if findings.lexical:
        with manifest.transaction():
            _rebuild_lexical(manifest.connection)
            manifest.bump()
        yield "rebuilt the index of words"


def _rebuild_lexical(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM lexical")
    for number, headings, text in connection.execute("SELECT number, headings, text FROM chunks"):
        insert_lexical(connection, number, text, tuple(json.loads(headings)))


def _embed(
    manifest: Manifest,
    files: CorpusFiles,
    findings: Findings,
    embeddings: "Callable[[], Embeddings]",
    progress: Progress,
) -> Iterator[str]:
    """Embed the chunks that have no vector, with the embedder that made the others."""
    if not (findings.vectors or findings.missing) or not manifest.count_without_vector():
        return
    vectors = Vectors(embeddings())
    known = manifest.meta("embedder")
    if known not in (None, vectors.fingerprint):
        raise IngestError(
            f"vectors are missing, and this is not the embedder that made the others ({str(known)[:8]}, now "
            f"{vectors.fingerprint[:8]}): go back to it with --embedder, or run graft index rebuild --reembed --domain "
            f"{files.root.name}"
        )
    count = _reading(manifest, vectors, progress).embed_missing()
    with manifest.transaction():
        manifest.bump()
    yield f"embedded {count} chunks again"
