"""Every format through a real parsing process into the manifest: text, title path, and the exact place."""

import io
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.index import CorpusFiles
from core.settings import IngestSettings
from ingest.pipeline import ingest_corpus
from tests.support.corpora import HashEmbedder
from tests.support.word_file import word_file
from tests.unit.ingest.pdf_writer import write_placed_pdf

pytestmark = pytest.mark.integration

MARKDOWN = (
    "# Care\n\nClean the vents.\n\n## Codes\n\n| code | text |\n| --- | --- |\n| B101 | low |\n\n```sh\ngraft up\n```\n"
)
HTML = """<html><head><title>Codes - Hestrel</title></head><body><nav><a href="/">Home</a></nav>
<h2>Batteries</h2><p>All <b>codes</b> of HX-<b>21</b>.</p>
<table><caption>Codes</caption><tr><th>Code</th><th>Text</th></tr><tr><td rowspan="2">B101</td><td>low</td></tr>
<tr><td>very low</td></tr></table><details><summary>Why?</summary><p>It is cold.</p></details>
<pre>graft up
  --port 80</pre><ol start="3"><li>third step</li><li>fourth step</li></ol>
<footer>Imprint</footer></body></html>"""
XML = "<bulletins><bulletin><title>SB-1</title><p>Displays <i>fade</i> early.</p></bulletin></bulletins>"
PYTHON = "import os\n\n\nclass Pump:\n    def prime(self):\n        return 2\n\n\ndef stop():\n    return 0\n"


@dataclass(frozen=True)
class Chunk:
    """A row of the manifest."""

    text: str
    locator: str
    headings: list[str]
    start: int
    end: int
    page: int | None
    place: str
    lines: tuple[int | None, int | None]


def eml() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Jo <jo@example.org>", "desk@example.org", "Loose fän bracket"
    message["Date"] = "Thu, 12 Mar 2026 14:40:00 +0000"
    message.set_content("Dear desk,\n\nthe bracket rattles.\n\nKind regards\n\nJo")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="photo list.pdf")
    return message.as_bytes()


def pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text, first.placeholders[1].text = "Calls", "Greet the caller.\nAsk for the number."
    first.notes_slide.notes_text_frame.text = "Pause here."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    cells = second.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for at, text in enumerate(["Level", "Hours", "P1", "2"]):
        cells.cell(at // 2, at % 2).text = text
    return saved(deck)


def xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Prices"
    for row in ([], ["SKU", "EUR"], ["HX-1", 12], ["HX-2", 7.5]):
        book.active.append(row)
    return saved(book)


def saved(document) -> bytes:
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def pdf() -> bytes:
    rows = [("Property", "Value"), ("Weight", "18 kg"), ("Protection", "IP54")]
    return write_placed_pdf(
        [
            [(72, 700, 20, "Data sheet"), (72, 660, 11, "Three inverters that serve solar panels.")],
            [(x, 700 - 16 * n, 11, text) for n, row in enumerate(rows) for x, text in zip((72, 200), row, strict=True)],
        ]
    )


def converted(kind: str, folder: Path) -> bytes:
    import pypandoc

    text = "---\ntitle: Winter care\n---\n\n# The room\n\nKeep it warm.\n\n# Start\n\n1. Warm it.\n2. Switch it on.\n"
    target = folder / f"x.{kind}"
    pypandoc.convert_text(text, kind, format="markdown", outputfile=str(target), extra_args=["--standalone"])
    return target.read_bytes()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Chunks by source, and title, format and notes by source."""
    folder = tmp_path_factory.mktemp("formats")
    files = {
        "a.txt": "Release notes\n\nVersion 2 adds quiet hours.\n\nVersion 3 adds prices.\n",
        "a.md": MARKDOWN.replace("\n", "\r\n"),
        "a.html": HTML,
        "a.rst": "Care\n====\n\nClean it.\n\n.. include:: other.rst\n\nCodes\n-----\n\nB101 is low.\n",
        "a.pdf": pdf(),
        "a.docx": word_file(),
        "a.pptx": pptx(),
        "a.xlsx": xlsx(),
        "a.csv": 'code,text\nB101,"low,\nvery low"\nB102,high\n',
        "a.tsv": "code\ttext\nB101\tlow\n",
        "a.json": json.dumps({"products": [{"sku": f"PW-{n}", "about": "x" * 90} for n in range(60)]}, indent=1),
        "a.jsonl": '{"sku": "PW-1"}\n{"sku": "PW-2"}\n',
        "a.xml": XML,
        "a.eml": eml(),
        "a.epub": converted("epub", folder),
        "a.odt": converted("odt", folder),
        "a.rtf": converted("rtf", folder),
        "a.py": PYTHON,
    }
    (corpus := folder / "corpus").mkdir()
    for name, content in files.items():
        (corpus / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = IngestSettings(chunk_tokens=40, workers=2)
    report = ingest_corpus([corpus], folder / "corpora" / "x", HashEmbedder(), settings)
    assert report.rejected == []
    assert report.indexed == len(files)
    chunks: dict[str, list[Chunk]] = {name: [] for name in files}
    with closing(sqlite3.connect(CorpusFiles(folder / "corpora" / "x").manifest)) as manifest:
        documents = {row[0]: row[1:] for row in manifest.execute("SELECT source, title, format, notes FROM documents")}
        for source, headings, first, last, *rest in manifest.execute(
            "SELECT source, headings, first_line, last_line, text, locator, start, end, page, place FROM chunks "
            "ORDER BY source, ordinal"
        ):
            text, locator, start, end, page, place = rest
            chunks[source].append(Chunk(text, locator, json.loads(headings), start, end, page, place, (first, last)))
    return corpus, chunks, documents


def of(index, name) -> list[Chunk]:
    return index[1][name]


def places(index, name):
    return [(chunk.locator, chunk.text) for chunk in of(index, name)]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.csv", "a.tsv", "a.json", "a.jsonl", "a.py"])
def test_text_formats_are_verbatim_and_know_their_lines(index, name):
    stored = (index[0] / name).read_text()  # line ends as Python reads them
    lines = stored.split("\n")
    assert of(index, name)
    for chunk in of(index, name):
        span = stored[chunk.start : chunk.end]
        assert chunk.text.endswith(span)
        first, last = chunk.lines
        assert lines[first - 1].strip().startswith(span.split("\n")[0].strip())
        assert span.split("\n")[-1].strip() == lines[last - 1].strip()
        assert last - first == span.count("\n")


@pytest.mark.parametrize(
    "name", ["a.pdf", "a.docx", "a.pptx", "a.xlsx", "a.xml", "a.eml", "a.epub", "a.odt", "a.rtf", "a.html"]
)
def test_other_formats_have_no_lines(index, name):
    assert {chunk.lines for chunk in of(index, name)} == {(None, None)}


def test_text(index):
    assert [c.headings for c in of(index, "a.txt")] == [["Release notes"]]


def test_markdown(index):
    assert [(c.locator, c.lines) for c in of(index, "a.md")] == [("Care", (1, 3)), ("Care > Codes", (5, 13))]


def test_rst_says_nothing_of_other_files_and_keeps_its_own_words(index):
    assert [c.locator for c in of(index, "a.rst")] == ["Care", "Care > Codes"]
    assert any(".. include:: other.rst" in chunk.text for chunk in of(index, "a.rst"))


def test_code_stands_under_its_definitions(index):
    assert [c.headings for c in of(index, "a.py")] == [[], ["Pump", "prime"], ["stop"]]


def test_html(index):
    chunks = of(index, "a.html")
    assert index[2]["a.html"][0] == "Codes - Hestrel"
    assert {tuple(chunk.headings) for chunk in chunks} == {("Codes - Hestrel", "Batteries")}
    whole = "\n\n".join(chunk.text for chunk in chunks)
    assert "All codes of HX-21." in whole
    assert "Codes\nCode | Text\nB101 | low\nB101 | very low" in whole
    assert "Why?\n\nIt is cold." in whole
    assert "graft up\n  --port 80" in whole
    assert "3. third step\n4. fourth step" in whole
    assert "Home" not in whole
    assert "Imprint" not in whole


def test_pdf(index):
    assert places(index, "a.pdf") == [
        ("page 1: Data sheet", "Data sheet\n\nThree inverters that serve solar panels."),
        ("page 2: Data sheet", "Property | Value\nWeight | 18 kg\nProtection | IP54"),
    ]
    assert [(c.page, c.place) for c in of(index, "a.pdf")] == [(1, "page 1"), (2, "page 2")]


def test_docx(index):
    chunks = of(index, "a.docx")
    whole = "\n\n".join(chunk.text for chunk in chunks)
    assert index[2]["a.docx"][0] == "Device manual"
    assert {tuple(c.headings) for c in chunks} == {("Device manual", "Care"), ("Device manual", "Limits")}
    assert "1. Step one\n2. Step two" in whole
    assert "Model | Limits\nTern 4 | low with a nested cell | high\nTern 6 | 5 | 10\nTern 6 | 7 | 12" in whole
    for kept in ("Inside a control.", "Kept and inserted.", "E=mc2", "In a box.", "See [a footnote]."):
        assert kept in whole
    for dropped in ("Running", "deleted", "Fallback"):
        assert dropped not in whole
    pages = {line: chunk.page for chunk in chunks for line in chunk.text.split("\n")}
    assert (pages["Care"], pages["k1 | v1"], pages["k2 | v2"], pages["After the table."], pages["Last page."]) == (
        1,
        2,
        3,
        3,
        4,
    )
    assert all(chunk.place == f"page {chunk.page}" for chunk in chunks)


def test_pptx(index):
    assert places(index, "a.pptx") == [
        ("slide 1: Calls", "Calls\n\nGreet the caller.\n\nAsk for the number.\n\nNotes: Pause here."),
        ("slide 2", "Level | Hours\nP1 | 2"),
    ]


def test_xlsx(index):
    assert places(index, "a.xlsx") == [("sheet Prices, rows 2-4", "SKU | EUR\nHX-1 | 12\nHX-2 | 7.5")]


def test_csv_records_keep_together_and_lines_are_named(index):
    assert places(index, "a.csv") == [("lines 1-4", 'code,text\nB101,"low,\nvery low"\nB102,high')]
    assert places(index, "a.jsonl") == [("lines 1-2", '{"sku": "PW-1"}\n{"sku": "PW-2"}')]


def test_json_is_cut_between_its_items(index):
    chunks = of(index, "a.json")
    assert len(chunks) > 5
    assert chunks[1].place.startswith("products[")
    assert chunks[1].locator == chunks[1].place
    assert all(chunk.text.count('"sku"') == chunk.text.count('"about"') for chunk in chunks)


def test_xml(index):
    assert places(index, "a.xml") == [("SB-1", "SB-1\n\nDisplays fade early.")]


def test_eml(index):
    assert [text for _, text in places(index, "a.eml")] == [
        (
            "Loose fän bracket\n\nFrom: Jo <jo@example.org>\nTo: desk@example.org\n"
            "Date: Thu, 12 Mar 2026 14:40:00 +0000\nAttachments: photo list.pdf\n\n"
            "Dear desk,\n\nthe bracket rattles.\n\nKind regards\n\nJo"
        )
    ]
    assert of(index, "a.eml")[0].headings == ["Loose fän bracket"]
    assert index[2]["a.eml"] == ("Loose fän bracket", "eml", "attachments were not read: photo list.pdf")


@pytest.mark.parametrize("name", ["a.epub", "a.odt", "a.rtf"])
def test_what_pandoc_reads(index, name):
    whole = {(chunk.headings or [""])[-1]: chunk for chunk in of(index, name)}
    assert "Keep it warm." in whole["The room"].text
    assert "1. Warm it.\n2. Switch it on." in whole["Start"].text
    if name != "a.rtf":  # which states no title that pandoc would tell from bold text
        assert whole["Start"].headings == ["Winter care", "Start"]
        assert index[2][name][0] == "Winter care"


def test_the_format_is_noted(index):
    named = {"txt": "text", "md": "markdown", "csv": "rows", "tsv": "rows", "jsonl": "rows", "py": "code"}
    for name, (_, kind, _) in index[2].items():
        suffix = name.removeprefix("a.")
        assert kind == named.get(suffix, suffix)
