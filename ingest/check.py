"""Whether an index is what it should be: manifest, vectors, lexical rows, generation, Chroma. Changes nothing.

To be called with the writer's lock held. The collection of an embedded Chroma is opened as a copy: a served one has its
owner.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

from core.errors import GraftError, IndexMismatchError
from core.index import FORMAT, CorpusFiles, Generation, open_snapshot
from ingest.chunk_rows import chunk_hashes
from ingest.chunks import VERSION
from ingest.findings import Findings
from ingest.lexical import COLUMNS, lexical_row
from ingest.served import is_whole, verify_collection

_BYTES = 4  # of a number of a vector
# Vectors have length 1, up to rounding; or 0, for a text of which an embedder makes nothing.
_LENGTH_TOLERANCE = 0.01

Progress = Callable[[str, int, int], None]


def check_index(files: CorpusFiles, progress: Progress = lambda stage, done, total: None) -> Findings:
    """Look into every part. Raises IndexMismatchError for an index of another format."""
    findings = Findings()
    if not files.manifest.is_file():
        findings.absent = files.read_pointer() is None
        findings.damaged = "" if findings.absent else "is missing"
        return findings
    steps = [_check_documents, _check_vectors, _check_lexical]
    progress("verify", 0, len(steps) + 3)
    try:
        with closing(sqlite3.connect(files.manifest, timeout=30, isolation_level=None)) as manifest:
            findings.damaged = check_database(manifest)
            if findings.damaged:
                return findings
            _check_format(manifest, files)
            for at, step in enumerate(steps, start=1):
                progress("verify", at, len(steps) + 3)
                step(manifest, findings)
            progress("verify", len(steps) + 1, len(steps) + 3)
            generation = _check_generation(manifest, files, findings)
    except sqlite3.DatabaseError as error:
        findings.damaged = str(error)
        return findings
    progress("verify", len(steps) + 2, len(steps) + 3)
    if generation is not None and not findings.generation:
        findings.chroma = _check_chroma(files, generation)
    progress("verify", len(steps) + 3, len(steps) + 3)
    return findings


def check_database(connection: sqlite3.Connection) -> str:
    """What SQLite finds wrong with a database, in one line; empty if nothing."""
    try:
        lines = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        connection.execute("SELECT 1 FROM meta, documents, chunks, vectors LIMIT 1")
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if lines == ["ok"] else "; ".join(" ".join(line.split()) for line in lines)


def _check_format(manifest: sqlite3.Connection, files: CorpusFiles) -> None:
    row = manifest.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    found = int(row[0]) if row else 0
    if found != FORMAT:
        files.read_pointer()  # says the same, as a rule
        remedy = "use that one" if found > FORMAT else f"run graft ingest --domain {files.root.name} first"
        raise IndexMismatchError(
            f"the index of '{files.root.name}' has format {found}, this Graft knows {FORMAT}: {remedy}"
        )


def _check_documents(manifest: sqlite3.Connection, findings: Findings) -> None:
    """Every document has the chunks that it was stored with: whole, in order, under their own hashes."""
    query = (
        "SELECT c.source, d.status, d.parsing, c.id, c.ordinal, c.text, c.headings, c.vector_key "
        "FROM chunks c LEFT JOIN documents d ON d.source = c.source ORDER BY c.source, c.ordinal"
    )
    for source, rows in groupby(manifest.execute(query), key=lambda row: row[0]):
        reason = _wrong_with(source, list(rows))
        if reason:
            findings.documents[source] = reason
    query = (
        "SELECT source FROM documents d WHERE status = 'indexed' AND NOT EXISTS "
        "(SELECT 1 FROM chunks c WHERE c.source = d.source)"
    )
    findings.documents |= {source: "has no chunks" for (source,) in manifest.execute(query)}


def _wrong_with(source: str, rows: list[tuple[Any, ...]]) -> str:
    _, status, parsing, *_ = rows[0]
    if status != "indexed":
        return "has chunks without being indexed"
    if [row[4] for row in rows] != list(range(len(rows))):
        return "lacks some of its chunks"
    # Older versions may have embedded more or less of a chunk than today's.
    if parsing.split(":")[0] == str(VERSION):
        hashes = chunk_hashes(source, ((row[5], json.loads(row[6])) for row in rows))
        if any((row[3], row[7]) != known for row, known in zip(rows, hashes, strict=True)):
            return "has chunks with other content than was stored"
    return ""


def _check_vectors(manifest: sqlite3.Connection, findings: Findings) -> None:
    query = "SELECT count(*) FROM chunks c WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.key = c.vector_key)"
    (findings.missing,) = manifest.execute(query).fetchone()
    query = "SELECT length(vector) FROM vectors GROUP BY length(vector) ORDER BY count(*) DESC LIMIT 1"
    row = manifest.execute(query).fetchone()
    if row is not None:
        findings.vectors = list(_bad_vectors(manifest.execute("SELECT key, vector FROM vectors"), int(row[0])))


def _bad_vectors(rows: Iterable[tuple[str, bytes]], size: int) -> Iterator[str]:
    """Keys of vectors of another size than `size` bytes, or that are not of length 1 (or 0)."""
    import numpy as np

    for key, blob in rows:
        if len(blob) != size or size % _BYTES:
            yield key
            continue
        length = float(np.linalg.norm(np.frombuffer(blob, dtype="<f4")))
        if not (abs(length - 1) <= _LENGTH_TOLERANCE or length == 0):
            yield key


def _check_lexical(manifest: sqlite3.Connection, findings: Findings) -> None:
    manifest.execute("INSERT INTO lexical (lexical) VALUES ('integrity-check')")  # a question, not a row
    query = (
        f"SELECT c.text, c.headings, l.rowid, {', '.join(f'l.{name.strip()}' for name in COLUMNS.split(','))} "  # noqa: S608
        "FROM chunks c LEFT JOIN lexical l ON l.rowid = c.number"
    )
    wrong = sum(
        number is None or tuple(row) != lexical_row(text, tuple(json.loads(headings)))
        for text, headings, number, *row in manifest.execute(query)
    )
    query = "SELECT count(*) FROM lexical WHERE rowid NOT IN (SELECT number FROM chunks)"
    wrong += manifest.execute(query).fetchone()[0]
    if wrong:
        findings.lexical = f"{wrong} rows of the index of words do not match their chunks"


def _check_generation(manifest: sqlite3.Connection, files: CorpusFiles, findings: Findings) -> Generation | None:
    """Pointer and snapshot. Returns the served generation, if there is one."""
    try:
        generation = files.read_pointer()
    except IndexMismatchError as error:
        findings.generation = str(error).split(":")[0]
        return None
    if generation is None:
        findings.unserved = True
        return None
    try:
        if not is_whole(files, generation):
            findings.generation = f"{generation.name} is not whole: files or collection are missing"
            return generation
    except GraftError as error:  # a server that does not answer
        findings.chroma = str(error)
        return None
    meta: Mapping[str, str] = dict(manifest.execute("SELECT key, value FROM meta").fetchall())
    findings.unserved = (str(generation.revision), generation.embedder) != (meta["revision"], meta.get("embedder"))
    with closing(open_snapshot(files.snapshot(generation.name))) as snapshot:
        damage = check_database(snapshot)
        if damage:
            findings.generation = f"the snapshot of {generation.name} is damaged ({damage})"
        elif not findings.unserved and _content(snapshot) != _content(manifest):
            findings.generation = f"the snapshot of {generation.name} is not what the manifest holds"
    return generation


def _content(connection: sqlite3.Connection) -> tuple[int, int]:
    """Chunks, and a sum that changes when any of them does."""
    import zlib

    count = total = 0
    query = "SELECT number, id, source, ordinal, locator, headings, start, end, text FROM chunks"
    for row in connection.execute(query):
        count += 1
        total += zlib.crc32(repr(row).encode())
    return count, total


def _check_chroma(files: CorpusFiles, generation: Generation) -> str:
    try:
        if generation.chroma_url is not None:
            return verify_collection(files, generation)
        with tempfile.TemporaryDirectory(dir=files.root, prefix=".verify-") as folder:
            copy = Path(folder) / "chroma"
            shutil.copytree(files.chroma(generation.name), copy)
            return verify_collection(files, generation, copy)
    except GraftError as error:
        return str(error)
