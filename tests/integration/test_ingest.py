"""Ingestion with the real parts: unstructured in its processes, Chroma, SQLite; only the embedder is a fake."""

import json
import os

import pytest

from tests.support.corpora import chunks_of, ingest, write_pages
from tests.unit.ingest.pdf_writer import write_pdf

pytestmark = pytest.mark.integration


@pytest.fixture
def corpus(tmp_path):
    return write_pages(tmp_path / "corpus")


def test_chunks_are_verbatim_with_locator_and_span(corpus, tmp_path):
    ingest(corpus, tmp_path)
    for _, source, locator, text, start, end, _ in chunks_of(tmp_path):
        assert (corpus / source).read_text()[start:end] == text
        assert locator.startswith("Page ")


def test_formats_and_rejections_get_one_receipt_each(tmp_path):
    from docx import Document as Docx
    from openpyxl import Workbook
    from pptx import Presentation

    folder = tmp_path / "corpus"
    folder.mkdir()
    docx = Docx()
    docx.add_heading("Manual", 1)
    docx.add_paragraph("The docx valve is red.")
    docx.save(str(folder / "a.docx"))
    book = Workbook()
    book.active.title = "Prices"
    book.active.append(["item", "price"])
    book.active.append(["xlsx valve", 12])
    book.save(folder / "b.xlsx")
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "The pptx valve"
    deck.save(str(folder / "c.pptx"))
    (folder / "d.pdf").write_bytes(write_pdf([[(12, "First page of it.")], [(12, "The pdf valve is blue.")]]))
    (folder / "e.html").write_text("<h1>Top</h1><p>The html valve is green.</p><script>bad()</script>")
    (folder / "f.csv").write_text("code,meaning\nE1,the csv valve\n")
    (folder / "g.rst").write_text("Top\n===\n\nThe rst valve is here.\n")
    (folder / "h.json").write_text('{"valve": "the json valve"}')
    (folder / "i.eml").write_text(
        "From: a@example.org\nSubject: Valve\nContent-Type: text/plain\n\nThe eml valve is gone.\n"
    )
    (folder / "j.txt").write_bytes("Das txt-Ventil ist grün, und zwar überall.".encode("cp1252"))
    (folder / "k.odt").write_bytes(b"not a zip")
    (folder / "l.pdf").write_bytes(b"%PDF-1.4 garbage")
    (folder / "m.docx").write_text("plain text")
    (folder / "n.png").write_bytes(b"\x89PNG\r\n")
    (folder / "o.md").write_text("")
    (folder / "p.md").symlink_to("/etc/hostname")
    os.mkfifo(folder / "q.txt")
    report = ingest(folder, tmp_path)
    assert report.indexed == 10
    reasons = {entry.source: entry.reason for entry in report.rejected}
    assert sorted(reasons) == [f"{letter}" for letter in ("k.odt", "l.pdf", "m.docx", "n.png", "o.md", "p.md", "q.txt")]
    assert report.indexed + len(report.rejected) == len(list(folder.iterdir()))
    assert "empty" in reasons["o.md"]
    rows = {row[1]: row for row in chunks_of(tmp_path)}
    for letter, word in zip("abcefghi", ("docx", "xlsx", "pptx", "html", "csv", "rst", "json", "eml"), strict=True):
        source = next(name for name in rows if name.startswith(f"{letter}."))
        assert f"{word} valve" in rows[source][3]
    assert "grün" in rows["j.txt"][3]
    assert rows["b.xlsx"][2].startswith("sheet Prices")
    pdf = [row for row in chunks_of(tmp_path) if row[1] == "d.pdf"]
    assert [(row[2], row[6]) for row in pdf] == [("page 1", 1), ("page 2", 2)]
    second = ingest(folder, tmp_path)
    assert second.skipped == 10
    assert {entry.source: entry.reason for entry in second.rejected} == reasons


def test_report_is_json(corpus, tmp_path):
    report = json.loads(ingest(corpus, tmp_path).model_dump_json())
    assert {"indexed", "updated", "skipped", "deleted", "rejected", "chunks", "seconds"} <= set(report)
