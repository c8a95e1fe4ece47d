"""Documents beside the chat, in headless Chromium: the cited place marked, keyboard, narrow; nothing in them runs."""

import dataclasses
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from core.conversations import ConversationStore
from core.user_database import UserDatabase
from ingest.page_pictures import SandboxedPages
from tests.browser import steps
from tests.browser.test_chat_files import give, wait_for_chips
from tests.fakes import QUINCE, XSS, FakeService
from tests.support.fake_chat_files import FakeChatFiles
from tests.support.garden_library import find, notes, write_library
from tests.support.running_app import running

NOTES = notes(XSS)
CITED = "Prune quince in February, before growth starts."


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FakeService]]:
    """A page with a PDF of three pages and a text with markup in it; pages are drawn as in earnest."""
    from fastapi import FastAPI

    from ui.desks import Desks
    from ui.mount import DomainPage, mount
    from ui.source_view import Sources

    root = tmp_path_factory.mktemp("library")
    documents = write_library(root, NOTES)
    service, users = FakeService(root / "garden"), UserDatabase(root / "users.sqlite")
    files = FakeChatFiles(service, ConversationStore(users, "garden"), root / "chat-files")
    pages = SandboxedPages(1 << 26)
    desks = Desks(files=files, sources=Sources(documents, pages))
    with running(mount(FastAPI(), [DomainPage(service, desks)], users)) as url:
        yield url, service
    pages.close()


@pytest.fixture
def visit(browser, library):
    """Open the page in a window of some width."""
    url, _ = library
    contexts = []

    def open_page(width=1440):
        context = browser.new_context(viewport={"width": width, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(steps.PATIENCE_MS)
        steps.open_page(page, url)
        return page

    yield open_page
    for context in contexts:
        context.close()


def ask_about(page, service, /, **metadata):
    """Ask a question to which one passage is found."""
    find(service, **metadata)
    steps.ask(page, "When do I prune a quince?")


def turned_to(page, words):
    """Wait until the viewer shows this page."""
    page.wait_for_function("words => document.querySelector('#viewer .turning span')?.textContent === words", arg=words)


def test_a_pdf_opens_at_the_cited_page_with_its_words_marked(visit, library):
    page = visit()
    ask_about(page, library[1], source="manual.pdf", locator="page 3", page=3, place="page 3")
    page.click("#conversation a.mark")
    turned_to(page, "3 / 3")
    expect(page.locator("#viewer")).to_contain_text(CITED, use_inner_text=True)
    shape = page.locator("#viewer .sheet").bounding_box()
    mark = page.locator("#viewer mark").bounding_box()
    # The line stands 132 points below the upper edge of 792, and begins 72 points from the left of 612.
    assert (mark["x"] - shape["x"]) / shape["width"] == pytest.approx(72 / 612, abs=0.01)
    assert (mark["y"] + mark["height"] / 2 - shape["y"]) / shape["height"] == pytest.approx(128 / 792, abs=0.02)
    assert page.evaluate("document.querySelector('#viewer img').naturalWidth") > 1000
    page.get_by_role("button", name="Previous page").click()
    turned_to(page, "2 / 3")
    expect(page.locator("#viewer mark")).to_have_count(0)


def test_text_opens_at_the_cited_words_and_nothing_in_it_runs(visit, library):
    page, start = visit(), NOTES.index(QUINCE)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    ask_about(page, library[1], source="notes.html", locator="Notes", start=start, end=start + len(QUINCE))
    page.get_by_role("button", name="Show the document").click()
    page.wait_for_selector("#viewer mark")
    expect(page.locator("#viewer mark")).to_have_text(CITED)
    page.wait_for_function("document.querySelector('#viewer .document-text').scrollTop > 0")
    place, frame = page.locator("#viewer mark").bounding_box(), page.locator("#viewer .document-text").bounding_box()
    assert frame["y"] <= place["y"] <= frame["y"] + frame["height"]
    assert "<script>window.__pwned=1</script>" in page.inner_text("#viewer")
    assert page.evaluate("window.__pwned") is None
    expect(page.locator("#viewer :is(script, iframe, img)")).to_have_count(0)
    assert [url for url in asked if "example.invalid" in url] == []


@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_opened_read_and_closed_by_keyboard(visit, library, width):
    page = visit(width)
    ask_about(page, library[1], source="manual.pdf", locator="page 2", page=2, place="page 2")
    page.locator("#conversation a.mark").focus()
    page.keyboard.press("Enter")
    turned_to(page, "2 / 3")
    assert page.evaluate("document.activeElement.className") == "document-view"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#viewer .document-view").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer .document-view", state="detached")
    assert page.evaluate("document.activeElement.className") == "mark"
    expect(page.locator("#sources .source").first).to_be_visible()


def test_a_document_that_is_gone_is_said(visit, library):
    page = visit()
    ask_about(page, library[1], source="lost.pdf", locator="page 1", page=1)
    page.click("#conversation a.mark")
    page.wait_for_selector("#viewer .trouble")
    expect(page.locator("#viewer")).to_contain_text("has no document 'lost.pdf'", use_inner_text=True)
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector("#viewer .document-view", state="detached")


def test_a_file_of_the_conversation_opens_too(visit, library):
    page, (_, service) = visit(), library
    service.pipeline = dataclasses.replace(service.pipeline, retriever=service.retriever)
    give(page, ("medlar.txt", b"Prune the medlar in November, once its leaves are down."))
    wait_for_chips(page, ["medlar.txt"])
    steps.ask(page, "When is medlar pruned, in November?")
    page.locator("#sources .source", has_text="medlar.txt").get_by_role("button", name="Show the document").click()
    page.wait_for_selector("#viewer .document-text mark")
    expect(page.locator("#viewer mark")).to_contain_text("medlar in November", use_inner_text=True)
