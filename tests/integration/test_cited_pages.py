"""A citation of a real PDF, from its ingestion to the page beside the chat: the right page, the right words marked."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.document_store import DocumentStore
from core.errors import RequestError
from core.passages import to_citations, to_passage
from core.settings import IngestSettings, RetrieveSettings
from core.turns import Turn
from core.types import Answer
from ingest.page_pictures import SandboxedPages
from ingest.pipeline import ingest_corpus
from retriever.hybrid import open_retriever
from tests.support.corpora import HashEmbedder
from ui.source_view import Sources, SourceView
from ui.talk import Talk

pytestmark = pytest.mark.integration
MANUAL = Path(__file__).resolve().parents[2] / "domains" / "helpdesk" / "corpus" / "manuals" / "roost-owner-manual.pdf"
ANSWER = "Clean the vents with a dry brush twice a year."


@pytest.fixture
def pages():
    drawing = SandboxedPages(1 << 26)
    yield drawing
    drawing.close()


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpora")
    ingest_corpus([MANUAL], root / "helpdesk", HashEmbedder("hash-1"), IngestSettings(workers=1))
    return root


def cited_turn(corpora):
    """A turn whose answer cites what a search finds for it."""
    retriever = open_retriever(corpora / "helpdesk", HashEmbedder("hash-1"), RetrieveSettings())
    found = retriever.search("clean the vents with a dry brush", 3)
    passages = [to_passage(document, number) for number, document in enumerate(found, start=1)]
    answer = Answer(text=ANSWER, format="text", citations=to_citations([1], passages, ANSWER), passages=passages)
    question = Question(text="How are the vents cleaned?", arm=parse_arm("rag"))
    return Turn(question=question, state="done", corpus="helpdesk", passages=tuple(passages), answer=answer)


def test_a_citation_of_a_pdf_shows_page_3_with_the_words_marked(corpora, pages):
    turn = cited_turn(corpora)
    (citation,) = turn.answer.citations
    assert "Clean the vents" in citation.quote
    show = SimpleNamespace(parts=SimpleNamespace(viewer="viewer"), nothing=dict)
    view = SourceView(Sources(DocumentStore(corpora), pages), None, show)
    event = SimpleNamespace(turn=0, number=1)
    html = asyncio.run(view.open(SimpleNamespace(), event, Talk(turns=(turn,))))["viewer"]
    assert "3 / 6" in html
    assert 'src="data:image/png;base64,' in html
    marks = re.findall(r'<mark style="left:([\d.]+)%;top:([\d.]+)%;width:([\d.]+)%;height:([\d.]+)%"', html)
    assert marks
    words = " ".join(text_below([float(share) / 100 for share in mark]) for mark in marks)
    assert " ".join(words.split()) == " ".join(citation.quote.split()).rstrip(".")


def text_below(box):
    """What stands on page 3 under a box."""
    import pypdfium2

    document = pypdfium2.PdfDocument(MANUAL)
    page = document[2]
    width, height = page.get_size()
    left, top, right, bottom = box[0] * width, box[1] * height, (box[0] + box[2]) * width, (box[1] + box[3]) * height
    text = page.get_textpage().get_text_bounded(left - 0.5, height - bottom - 0.5, right + 0.5, height - top + 0.5)
    return text.strip()


def test_pages_beyond_the_last_and_files_that_are_no_pdf(pages):
    content = MANUAL.read_bytes()
    last = asyncio.run(pages.draw(content, 99, []))
    assert (last.page, last.pages) == (6, 6)
    assert last.png.startswith(b"\x89PNG")
    with pytest.raises(RequestError, match="damaged or locked PDF"):
        asyncio.run(pages.draw(b"%PDF-1.4 and nothing more", 1, []))
    assert asyncio.run(pages.draw(content, 1, [])).page == 1
