"""The helpdesk corpus through the real parsers: quotes stand where examples say, on the right page or slide."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from core.pack import DomainPack, load_pack
from domains.helpdesk.desk.blocks import Document, Heading, PageBreak
from domains.helpdesk.desk.facts import load_facts
from domains.helpdesk.desk.manuscripts import read_all
from domains.helpdesk.desk.quotes import lines_of
from domains.helpdesk.desk.writers import render
from ingest.blocks import ParsedDocument
from ingest.chunks import Chunk, make_chunks
from ingest.offline import make_offline
from ingest.partition import parse

pytestmark = pytest.mark.integration

PACKS = Path(__file__).parents[2] / "domains"
CORPUS = PACKS / "helpdesk" / "corpus"
CHUNK_TOKENS = 160


@pytest.fixture(scope="module")
def pack() -> DomainPack:
    return load_pack("helpdesk", PACKS, Path("/nonexistent"))


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return read_all(load_facts())


@pytest.fixture(scope="module")
def parsed() -> dict[str, ParsedDocument]:
    make_offline()
    files = sorted(path for path in CORPUS.rglob("*") if path.is_file())
    sources = [path.relative_to(CORPUS).as_posix() for path in files]
    return {source: parse(source, path.read_bytes()) for source, path in zip(sources, files, strict=True)}


@pytest.fixture(scope="module")
def chunks(parsed: dict[str, ParsedDocument], embeddings) -> dict[str, list[Chunk]]:
    return {source: make_chunks(document, CHUNK_TOKENS, embeddings.count_many) for source, document in parsed.items()}


def fold(text: str) -> str:
    return " ".join(text.split())


def test_every_quote_stands_once_in_its_source_and_in_one_chunk(pack, parsed, chunks) -> None:
    evidence = {e for example in (*pack.train_examples, *pack.test_examples) for e in example.evidence}
    assert len(evidence) > 300
    for e in evidence:
        assert fold(parsed[e.source].text).count(fold(e.quote)) == 1, e
        assert sum(fold(e.quote) in fold(chunk.text) for chunk in chunks[e.source]) == 1, e


def test_steps_of_a_runbook_stand_in_one_chunk(pack, chunks) -> None:
    runbooks = [e for e in (*pack.train_examples, *pack.test_examples) if e.format == "markdown" and e.answerable]
    assert len(runbooks) > 50
    for example in runbooks:
        (evidence,) = example.evidence
        (chunk,) = [c for c in chunks[evidence.source] if fold(evidence.quote) in fold(c.text)]
        steps = [line.split(". ", 1)[1] for line in str(example.answer).splitlines() if line[:1].isdigit()]
        assert len(steps) >= 3
        assert [step for step in steps if step not in fold(chunk.text)] == [], example.id


def test_citations_open_at_the_right_page_slide_or_sheet(pack, documents, chunks) -> None:
    by_path = {document.path: document for document in documents}
    seen: dict[str, int] = {}
    for e in {e for example in pack.train_examples for e in example.evidence}:
        place = expected_place(by_path[e.source], e.quote)
        if place is None:
            continue
        (chunk,) = [c for c in chunks[e.source] if fold(e.quote) in fold(c.text)]
        assert chunk.locator.startswith(place), (e, chunk.locator)
        suffix = PurePosixPath(e.source).suffix
        seen[suffix] = seen.get(suffix, 0) + 1
    assert seen.keys() == {".pdf", ".docx", ".pptx", ".xlsx"}
    assert min(seen.values()) > 5


def expected_place(document: Document, quote: str) -> str | None:
    """The page, slide or sheet on which the manuscript puts `quote`."""
    for place, part in parts(document):
        if any(fold(quote) in fold(line) for line in lines_of(part)):
            return place
    return None


def parts(document: Document) -> Iterator[tuple[str, Document]]:
    """Pieces of a document between its page breaks, or below its chapters, with what readers call the place."""
    suffix = PurePosixPath(document.path).suffix
    number, place = 1, "page 1" if suffix in (".pdf", ".docx") else ""
    for block in document.blocks:
        if suffix in (".pdf", ".docx") and isinstance(block, PageBreak):
            number += 1
            place = f"page {number}"
        elif suffix == ".pptx" and isinstance(block, Heading):
            number += 1
            place = f"slide {number}"
        elif suffix == ".xlsx" and isinstance(block, Heading):
            place = f"sheet {block.text}"
        if place:
            yield place, Document(document.path, "", blocks=(block,))


def test_no_sentence_is_taken_for_a_heading(parsed) -> None:
    for source, document in parsed.items():
        for block in document.blocks:
            assert not (block.kind == "heading" and block.label.endswith(".")), (source, block.label)


def test_every_manual_has_at_least_two_pages(parsed) -> None:
    manuals = [document for source, document in parsed.items() if source.endswith((".pdf", ".docx"))]
    assert len(manuals) > 10
    for document in manuals:
        assert max(block.page or 0 for block in document.blocks) >= 2


def test_the_committed_office_files_and_pdfs_are_what_the_generator_makes(documents, parsed) -> None:
    pytest.importorskip("reportlab")
    for document in documents:
        data = render(document)
        if data != (CORPUS / document.path).read_bytes():  # other versions of the libraries may pack differently
            assert parse(document.path, data) == parsed[document.path], document.path


def test_rendering_twice_gives_the_same_bytes(documents) -> None:
    pytest.importorskip("reportlab")
    one_of_each = {PurePosixPath(document.path).suffix: document for document in documents}
    assert len(one_of_each) >= 15
    for document in one_of_each.values():
        assert render(document) == render(document), document.path
