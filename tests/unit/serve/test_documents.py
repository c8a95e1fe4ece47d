"""The route of documents: PDFs inline, everything else as escaped text, nothing else at all."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.document_links import place_path
from core.document_store import DocumentStore
from core.settings import ServeSettings
from core.types import Citation, Passage
from serve.access import AccessMiddleware
from serve.documents import document_routes
from tests.support.index_files import write_index
from ui.content_policy import ContentPolicy

HOSTILE = "<script>alert(1)</script> & a line of words, then the quoted words, then more of it."
NAME = "a b/über & <i>#1?.html"


@pytest.fixture
def client(tmp_path):
    root = tmp_path / "corpus"
    (root / "a b").mkdir(parents=True)
    (root / "manual.pdf").write_bytes(b"%PDF-1.4 bytes")
    (root / NAME).write_text(HOSTILE)
    write_index(tmp_path / "corpora" / "things", root, {"manual.pdf": "pdf", NAME: "html"})
    app = FastAPI()
    app.include_router(document_routes(DocumentStore(tmp_path / "corpora")))
    app.add_middleware(ContentPolicy)
    app.add_middleware(AccessMiddleware, settings=ServeSettings())
    return TestClient(app, base_url="http://127.0.0.1:7860", headers={"accept": "text/html"})


def test_a_pdf_opens_inline(client):
    response = client.get("/documents/things/manual.pdf")
    assert response.content == b"%PDF-1.4 bytes"
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"] == "inline; filename*=UTF-8''manual.pdf"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_other_formats_are_escaped_text_with_the_quote_marked(client):
    start = HOSTILE.index("the quoted words")
    citation = Citation(
        number=1, source=NAME, locator="", quote="the quoted words", corpus="things", start=start, end=start + 16
    )
    path = place_path(citation, "")
    assert path.endswith("#quote")
    response = client.get(path)
    assert response.status_code == 200
    assert "<script" not in response.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; a line" in response.text
    # The quote runs over the end of a chunk.
    marks = response.text.replace('<mark id="quote">', "<mark>").split("<mark>")[1:]
    assert "".join(mark.partition("</mark>")[0] for mark in marks) == "the quoted words"
    assert response.text.count('id="quote"') == 1
    policy = response.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy


def test_a_download_is_an_attachment_of_no_type(client):
    citation = Citation(number=1, source=NAME, locator="", quote="", corpus="things")
    response = client.get(place_path(citation, "") + "?file=1")
    assert response.text == HOSTILE
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%C3%BCber%20%26%20%3Ci%3E")
    assert "sandbox" in response.headers["content-security-policy"]


def test_a_pdf_that_changed_is_shown_as_the_text_that_was_indexed(client, tmp_path):
    (tmp_path / "corpus" / "manual.pdf").write_bytes(b"%PDF-1.4 other")
    response = client.get("/documents/things/manual.pdf")
    assert response.headers["content-type"].startswith("text/html")
    assert "has changed or is gone" in response.text


@pytest.mark.parametrize(
    "path", ["things/none.md", "things/../../etc/passwd", "things/%2e%2e/roots.json", "other/manual.pdf", "things/"]
)
def test_nothing_else_is_there(client, path):
    response = client.get(f"/documents/{path}")
    assert response.status_code == 404


def test_strangers_are_refused(client):
    assert client.get("/documents/things/manual.pdf", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/documents/things/manual.pdf", headers={"origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"source": "a/b.PDF", "page": 3, "corpus": "c"}, "/documents/c/a/b.PDF#page=3"),
        ({"source": "b.pdf"}, "/documents/own/b.pdf"),
        ({"source": "b #1.md", "start": 4, "end": 9}, "/documents/own/b%20%231.md?from=4&to=9#quote"),
        ({"source": "b.xlsx", "page": 2}, "/documents/own/b.xlsx"),
    ],
)
def test_where_a_passage_leads(fields, path):
    assert place_path(Passage(number=1, locator="", text="", **fields), "own") == path
