"""A small pack on disk, and an index of its documents as `ingest` writes it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.index import SCHEMA as INDEX_SCHEMA
from core.index import CorpusFiles, Generation, open_manifest
from core.pack import DomainPack, load_pack
from finetune.corpus_text import CorpusText

SCHEMA = {
    "type": "object",
    "properties": {
        "plant": {"type": "string"},
        "month": {"type": "string"},
        "sun": {"enum": ["full", "half", "shade"]},
    },
    "required": ["plant", "month"],
    "additionalProperties": False,
}
SHOP = {"type": "object", "properties": {"opens": {"type": "string"}}, "required": ["opens"]}

Example = dict[str, Any]
MakePack = Callable[..., DomainPack]


def example(plant: str, month: str = "May", **changes: Any) -> Example:
    """A line of an examples file about one plant, in JSON."""
    return {
        "id": f"e-{plant}",
        "question": f"When do I prune a {plant}?",
        "answer": {"plant": plant, "month": month},
        "format": "json",
        "schema": "pruning",
        "evidence": [{"source": "prune.md", "quote": f"Prune the {plant} in {month}."}],
        "answerable": True,
        "tags": [f"record:{plant}"],
        **changes,
    }


@pytest.fixture
def make_pack(tmp_path: Path) -> MakePack:
    """Writes a pack with these training and test lines (dicts, or raw text), and loads it."""

    def make(train: list[Any], test: list[Any] | None = None, *, schemas: dict[str, Any] | None = None) -> DomainPack:
        root = tmp_path / "pack"
        for folder in ("corpus", "schemas", "examples"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "domain.yaml").write_text(
            "name: garden\npersona: A gardener.\ncorpus: [corpus/]\nrefusal: Not in the leaflets.\n"
        )
        for name, schema in (schemas or {"pruning": SCHEMA}).items():
            (root / f"schemas/{name}.json").write_text(json.dumps(schema))
        for name, lines in (("train", train), ("test", test or [])):
            text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
            (root / f"examples/{name}.jsonl").write_text(text)
        return load_pack(str(root), tmp_path / "none", tmp_path / "none")

    return make


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[[dict[str, list[str]]], CorpusText]:
    """Writes an index whose documents consist of these chunks, one blank line between them, and reads it."""

    def make(documents: dict[str, list[str]]) -> CorpusText:
        folder = tmp_path / "corpus"
        write_index(folder, documents)
        corpus = CorpusText.open(folder)
        assert corpus is not None
        return corpus

    return make


def write_index(folder: Path, documents: dict[str, list[str]]) -> None:
    """The index of `documents` (source -> chunks) without vectors."""
    files = CorpusFiles(folder)
    snapshot = files.snapshot("g1")
    snapshot.parent.mkdir(parents=True)
    connection = open_manifest(snapshot)
    connection.executescript(INDEX_SCHEMA)
    for source, chunks in documents.items():
        start = 0
        for ordinal, text in enumerate(chunks):
            connection.execute(
                "INSERT INTO chunks (id, source, ordinal, locator, headings, start, end, text, vector_key) "
                "VALUES (?, ?, ?, ?, '[]', ?, ?, ?, '')",
                (f"{source}#{ordinal}", source, ordinal, f"part {ordinal}", start, start + len(text), text),
            )
            start += len(text) + 2
    connection.close()
    files.write_pointer(
        Generation(name="g1", revision=1, collection="c", chunks=1, documents=len(documents), embedder="none")
    )
