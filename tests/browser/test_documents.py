"""From a cited source to the document itself: the PDF at its page, the text at the quoted words; nothing runs in it."""

import dataclasses
import threading
import time
from collections.abc import Iterator

import pytest
from langchain_core.documents import Document

from core.document_store import DocumentStore
from core.user_database import UserDatabase
from retriever.memory import InMemoryRetriever
from tests.browser import steps
from tests.fakes import QUINCE, FakeService
from tests.support.index_files import write_index
from tests.unit.ingest.pdf_writer import write_pdf

LINES = [[(30, f"Page number {number} of the manual"), (12, QUINCE)] for number in (1, 2, 3)]
BEFORE = "<script>document.title = 'pwned'</script> Grown here. " + "A line before it. " * 200
NOTES = f"{BEFORE}{QUINCE} " + "And a line after it. " * 200


playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FakeService]]:
    """A page whose documents can be read: a PDF of three pages, and a text with markup in it."""
    import uvicorn
    from fastapi import FastAPI

    from serve.documents import document_routes
    from ui.mount import mount

    root = tmp_path_factory.mktemp("library")
    corpus = root / "corpus"
    corpus.mkdir()
    (corpus / "manual.pdf").write_bytes(write_pdf(LINES))
    (corpus / "notes.html").write_text(NOTES)
    write_index(root / "corpora" / "garden", corpus, {"manual.pdf": "pdf", "notes.html": "html"}, cut=200)
    app = FastAPI()
    app.include_router(document_routes(DocumentStore(root / "corpora")))
    service = FakeService(root / "garden")
    users = UserDatabase(root / "users.sqlite")
    server = uvicorn.Server(uvicorn.Config(mount(app, service, users), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server has died; its traceback stands above"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", service
    server.should_exit = server.force_exit = True
    thread.join(10)


def find(service: FakeService, **metadata) -> None:
    """Let the service find one passage."""
    document = Document(page_content=QUINCE, metadata={"corpus": "garden", "score": 1.0, **metadata})
    retriever = InMemoryRetriever(documents=[document])
    service.pipeline = dataclasses.replace(service.pipeline, retriever=retriever)


@pytest.fixture
def ask(browser, library):
    """Ask, and open the document behind the first source."""
    url, service = library
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()

    def open_source(**metadata):
        find(service, **metadata)
        steps.open_page(page, url)
        steps.ask(page, "When do I prune a quince?")
        link = page.locator("#sources .source.cited a.document").first
        with context.expect_page() as opened:
            link.click()
        return link.inner_text(), opened.value

    yield open_source
    context.close()


def _viewer(document):
    """The browser's own viewer: its frame comes after the page has loaded."""
    for _ in range(200):
        for frame in document.frames:
            if frame.url.startswith("chrome-extension://"):
                return frame
        document.wait_for_timeout(50)
    raise AssertionError(f"no viewer among {[frame.url for frame in document.frames]}")


def test_a_pdf_opens_at_the_cited_page(ask):
    words, document = ask(source="manual.pdf", locator="page 3", page=3, place="page 3")
    assert words == "Open in a new tab"
    document.wait_for_url("**/documents/garden/manual.pdf#page=3")
    # The browser's own viewer has it, and says which page it shows.
    viewer = _viewer(document)
    playwright.expect(viewer.locator("input#pageSelector")).to_have_value("3")


def test_the_text_of_other_formats_opens_at_the_quoted_words(ask):
    start = NOTES.index(QUINCE)
    words, document = ask(source="notes.html", locator="Notes", start=start, end=start + len(QUINCE))
    assert words == "Open in a new tab"
    mark = document.locator("#quote")
    mark.wait_for()
    assert mark.inner_text().startswith("Prune quince in February, before growth starts.")
    assert document.evaluate("document.querySelector('#quote').getBoundingClientRect().top < innerHeight")
    assert document.evaluate("scrollY > 0")
    assert "<script>document.title = 'pwned'</script>" in document.locator("body").inner_text()
    assert "pwned" not in document.title()
    assert document.locator("body script").count() == 0
