"""The files of an index as a reader of documents needs them: pointer, snapshot and roots; no vectors."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from core.index import SCHEMA, CorpusFiles, Generation


def write_index(target: Path, root: Path, formats: dict[str, str], cut: int = 40) -> CorpusFiles:
    """An index of the files below `root` that `formats` names, each cut into chunks of so many characters."""
    files = CorpusFiles(target)
    snapshot = files.snapshot("000001")
    snapshot.parent.mkdir(parents=True)
    with closing(sqlite3.connect(snapshot)) as connection, connection:
        connection.executescript(SCHEMA)
        for source, format in formats.items():
            content = (root / source).read_bytes()
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?, 0, 0, 'indexed', '', ?, '', ?, '')",
                (source, hashlib.sha256(content).hexdigest(), len(content), f"Title of {source}", format),
            )
            text = content.decode("utf-8", "replace")
            for ordinal, start in enumerate(range(0, len(text), cut)):
                piece = text[start : start + cut]
                connection.execute(
                    "INSERT INTO chunks (id, source, ordinal, locator, headings, start, end, page, place, text, "
                    "vector_key) VALUES (?, ?, ?, '', '[]', ?, ?, ?, ?, ?, '')",
                    (f"{source}-{ordinal}", source, ordinal, start, start + len(piece), ordinal + 1,
                     f"page {ordinal + 1}", piece),
                )  # fmt: skip
    files.pointer.write_text(
        json.dumps(
            Generation(
                name="000001", revision=1, collection="c", chunks=1, documents=len(formats), embedder="e"
            ).model_dump()
        )
    )
    files.write_roots([root])
    return files
