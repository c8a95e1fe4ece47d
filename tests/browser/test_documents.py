"""From a cited source to the document itself: the PDF at its page, the text at the quoted words; nothing runs in it."""

from collections.abc import Iterator

import pytest

from core.user_database import UserDatabase
from tests.browser import steps
from tests.fakes import QUINCE, FakeService
from tests.support.garden_library import find, notes, write_library
from tests.support.running_app import running

NOTES = notes("<script>document.title = 'pwned'</script> Grown here.")


playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FakeService]]:
    """A page whose documents can be read: a PDF of three pages, and a text with markup in it."""
    from fastapi import FastAPI

    from serve.documents import document_routes
    from ui.mount import DomainPage, mount

    root = tmp_path_factory.mktemp("library")
    app = FastAPI()
    app.include_router(document_routes(write_library(root, NOTES)))
    service = FakeService(root / "garden")
    with running(mount(app, [DomainPage(service)], UserDatabase(root / "users.sqlite"))) as url:
        yield url, service


@pytest.fixture
def ask(browser, library):
    """Ask, and open the document behind the first source."""
    url, service = library
    page = steps.new_page(browser, viewport={"width": 1440, "height": 900})

    def open_source(**metadata):
        find(service, **metadata)
        steps.open_page(page, url)
        steps.ask(page, "When do I prune a quince?")
        link = page.locator("#sources .source.cited a.document").first
        with page.context.expect_page() as opened:
            link.click()
        return link.inner_text(), opened.value

    yield open_source
    page.context.close()


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
