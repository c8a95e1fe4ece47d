"""Two domains in one process: a selector leads from one page to the other, and only the language goes with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core.conversations import ConversationStore
from core.user_database import UserDatabase
from tests.browser import steps
from tests.browser.test_accessibility import serious
from tests.fake_lab import FakeAdviceDesk, FakeLabDesk
from tests.fakes import FakeService
from tests.support.fake_chat_files import FakeChatFiles
from tests.support.people import people
from tests.support.running_app import running

HELPDESK = """
name: helpdesk
title: Support desk
description: Codes, prices and policies of a maker of home batteries.
persona: You are the support desk. Friendly, exact, brief.
corpus: [corpus/]
refusal: I cannot find this in the manuals.
sample_questions: ["What does T214 mean?"]
defaults: {arm: hybrid, format: text, k: 5}
"""
QUESTION = "When do I prune a quince?"


@dataclass
class Street:
    """Two houses at one address: the garden's page at `/`, the support desk's at `/d/helpdesk/`."""

    url: str
    garden: FakeService
    helpdesk: FakeService

    @property
    def other(self) -> str:
        """The address of the second page."""
        return f"{self.url}/d/helpdesk/"


@pytest.fixture(scope="module")
def street(tmp_path_factory) -> Iterator[Street]:
    from fastapi import FastAPI

    from ui.desks import Desks
    from ui.mount import DomainPage, mount

    root = tmp_path_factory.mktemp("street")
    users = UserDatabase(root / "users.sqlite")
    services = FakeService(root / "garden"), FakeService(root / "helpdesk", HELPDESK)

    def page(service: FakeService) -> DomainPage:
        name = service.pack.name
        files = FakeChatFiles(service, ConversationStore(users, name), root / f"files-{name}")
        lab = root / f"lab-{name}"
        lab.mkdir()
        return DomainPage(service, Desks(lab=FakeLabDesk(lab), advice=FakeAdviceDesk(), files=files))

    with running(mount(FastAPI(), [page(service) for service in services], users)) as url:
        yield Street(url, *services)


@pytest.fixture
def visitor(browser, street) -> Iterator[Any]:
    """A page of a new user's browser; its troubles stand in `page.troubles`."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(steps.PATIENCE_MS)
    page.troubles = []
    page.on("console", lambda message: page.troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    for service in (street.garden, street.helpdesk):
        service.reset()
    yield page
    context.close()


def title(page: Any) -> Any:
    return page.locator(".masthead h1")


def go_to(page: Any, name: str) -> None:
    """Choose another domain as somebody without a mouse does."""
    page.locator(".domains summary").focus()
    page.keyboard.press("Enter")
    while name not in page.evaluate("document.activeElement.innerText"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('.masthead h1')?.innerText === name", arg=name)
    page.wait_for_selector("#status .cell")


def conversations(page: Any) -> Any:
    """What the list of conversations shows."""
    return page.locator("#listing label")


def test_one_domain_has_no_selector(page):
    expect(page.locator(".domains")).to_have_count(0)


def test_the_selector_is_named_and_says_what_each_domain_is_about(visitor, street):
    steps.open_page(visitor, street.url)
    expect(title(visitor)).to_have_text("Garden centre")
    expect(visitor.get_by_role("navigation", name="Topics")).to_be_visible()
    visitor.get_by_text("Change topic").click()
    expect(visitor.locator(".domains li").first).to_be_visible()
    found = visitor.locator(".domains li").all_inner_texts()
    assert [text.split("\n")[0] for text in found] == ["Garden centre", "Support desk"]
    assert "Codes, prices and policies" in found[1]
    expect(visitor.locator(".domains [aria-current=page]")).to_have_text(re.compile("^Garden centre"))
    visitor.keyboard.press("Escape")
    expect(visitor.locator(".domains ul")).to_be_hidden()
    assert visitor.troubles == []


def test_a_conversation_stays_with_its_domain(visitor, street):
    steps.open_page(visitor, street.url)
    steps.ask(visitor, QUESTION)
    expect(conversations(visitor)).to_contain_text([QUESTION])
    go_to(visitor, "Support desk")
    assert visitor.url.startswith(street.other)
    expect(conversations(visitor)).to_have_count(0)
    expect(visitor.locator("#conversation")).to_contain_text("What does T214 mean?", use_inner_text=True)
    steps.ask(visitor, "Which plants grow in shade?")
    assert [len(service.asked) for service in (street.garden, street.helpdesk)] == [1, 1]
    expect(conversations(visitor)).to_have_count(1)
    go_to(visitor, "Garden centre")
    expect(conversations(visitor)).to_contain_text([QUESTION])
    expect(conversations(visitor).filter(has_text="shade")).to_have_count(0)
    assert visitor.troubles == []


def test_what_can_be_taken_along_is_that_of_the_domain(visitor, street):
    steps.open_page(visitor, street.other)
    steps.ask(visitor, QUESTION)
    visitor.locator("#menu summary").click()
    address = visitor.get_by_role("link", name="Save as Markdown").get_attribute("href")
    assert address.startswith("/d/helpdesk/mine/conversations/")
    got = visitor.request.get(street.url + address)
    assert QUESTION in got.text()
    assert visitor.request.get(street.url + address.removeprefix("/d/helpdesk")).status == 404
    assert visitor.request.get(f"{street.url}/mine/everything.json").json()["conversations"] == []
    here = visitor.request.get(f"{street.other}mine/everything.json").json()["conversations"]
    assert [kept["domain"] for kept in here] == ["helpdesk"]
    steps.open_tab(visitor, "Advisor")
    link = visitor.locator("#page-advice .downloads a").first
    expect(link).to_have_attribute("href", re.compile("^/d/helpdesk/advice/"))
    steps.open_tab(visitor, "Account")
    expect(visitor.locator("#account")).to_contain_text("about the topic “Support desk” alone")


def test_an_upload_is_only_there_where_it_was_made(visitor, street, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("Quinces are pruned by moonlight.")
    steps.open_page(visitor, street.other)
    with visitor.expect_response(lambda response: "/gradio_api/upload" in response.url) as upload:
        visitor.set_input_files("#attach input[type=file], input[type=file]", str(note))
    assert upload.value.url.startswith(street.other)
    visitor.wait_for_selector("#chips li")
    (path,) = upload.value.json()
    assert visitor.request.get(f"{street.other}gradio_api/file={path}").text() == note.read_text()
    # Elsewhere the request does not even come to Gradio; nor does anybody else's.
    assert visitor.request.get(f"{street.url}/gradio_api/file={path}").status == 404
    with visitor.context.browser.new_context() as stranger:
        assert stranger.request.get(f"{street.other}gradio_api/file={path}").status == 404


def test_the_language_is_kept(visitor, street):
    steps.open_page(visitor, f"{street.url}/zh/")
    go_to(visitor, "Support desk")
    assert visitor.url == f"{street.other}zh/"
    expect(visitor.locator("#send")).to_have_text("发送")
    steps.ask(visitor, QUESTION)
    visitor.get_by_role("link", name="English").click()
    visitor.wait_for_selector("#send:has-text('Send')")
    assert visitor.url.startswith(street.other)
    go_to(visitor, "Garden centre")
    expect(visitor.locator("#send")).to_have_text("Send")
    assert visitor.troubles == []


def test_the_policy_holds_on_every_page_and_no_page_is_where_no_domain_is(visitor, street):
    for address in (street.url, f"{street.url}/zh/", street.other, f"{street.other}zh/"):
        got = visitor.goto(address)
        assert "script-src 'self' 'unsafe-eval' 'sha256-" in got.headers["content-security-policy"]
        assert "unsafe-inline" not in got.headers["content-security-policy"].split("style-src")[0]
    assert visitor.goto(street.other.rstrip("/")).url == street.other
    assert visitor.goto(f"{street.url}/d/nowhere/").status == 404


@pytest.mark.parametrize("width", [1440, 390])
def test_nobody_is_kept_out(visitor, street, width):
    visitor.set_viewport_size({"width": width, "height": 900})
    steps.open_page(visitor, street.other)
    visitor.locator(".domains summary").click()
    assert serious(visitor, "the selector") == []
    assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_logs_in_is_known_on_both_pages(browser, tmp_path: Path):
    from core.settings import ServeSettings
    from serve.gateway import create_app
    from ui.mount import DomainPage, mount

    services = FakeService(tmp_path / "garden"), FakeService(tmp_path / "helpdesk", HELPDESK)
    sessions, database = people(tmp_path), UserDatabase(tmp_path / "users.sqlite")
    app = create_app(services, ServeSettings(), users=sessions.users, sessions=sessions)
    with running(mount(app, [DomainPage(service) for service in services], database, sessions)) as url:
        page = steps.new_page(browser)
        page.goto(f"{url}/d/helpdesk/")
        assert page.url.startswith(f"{url}/login")
        assert "Garden centre · Support desk" in page.content()
        page.fill("#name", "bob")
        page.fill("#password", "correct horse battery")
        page.click("button[type=submit]")
        page.wait_for_selector("#question textarea")
        assert page.url == f"{url}/d/helpdesk/"
        go_to(page, "Garden centre")
        assert page.url == f"{url}/?language=en"
        page.context.close()
