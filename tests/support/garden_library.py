"""Two documents of a garden that can be opened: a PDF of three pages, and a text whose beginning a test chooses."""

import dataclasses
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from core.document_store import DocumentStore
from retriever.memory import InMemoryRetriever
from tests.fakes import QUINCE, FakeService
from tests.support.index_files import write_index
from tests.unit.ingest.pdf_writer import write_pdf

LINES = [[(30, f"Page number {number} of the manual"), (12, QUINCE)] for number in (1, 2, 3)]


def notes(beginning: str) -> str:
    """A long text with what is cited in its middle."""
    return f"{beginning} {'A line before it. ' * 200}{QUINCE} {'And a line after it. ' * 200}"


def write_library(root: Path, text: str) -> DocumentStore:
    """`manual.pdf`, and `notes.html` with this text, indexed as the corpus of the garden below `root`."""
    corpus = root / "corpus"
    corpus.mkdir()
    (corpus / "manual.pdf").write_bytes(write_pdf(LINES))
    (corpus / "notes.html").write_text(text)
    write_index(root / "corpora" / "garden", corpus, {"manual.pdf": "pdf", "notes.html": "html"}, cut=200)
    return DocumentStore(root / "corpora")


def find(service: FakeService, **metadata: Any) -> None:
    """Let the service find one passage."""
    document = Document(page_content=QUINCE, metadata={"corpus": "garden", "score": 1.0, **metadata})
    service.pipeline = dataclasses.replace(service.pipeline, retriever=InMemoryRetriever(documents=[document]))
