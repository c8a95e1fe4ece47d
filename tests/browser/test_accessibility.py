"""No page of the workbench keeps anybody out: axe finds no serious violation, light or dark, wide or narrow."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from core.settings import ServeSettings
from core.user_database import UserDatabase
from serve.gateway import create_app
from tests.browser import steps
from tests.fakes import FakeService
from tests.support.people import WORD, people
from tests.support.running_app import running
from ui.render_account import PASSWORD_PATH

PAGES = ("Arena", "Documents", "Examples", "Train", "Lab", "Advisor", "Account")
_SETTLED = """() => new Promise((done) => {
    let timer = setTimeout(done, 600);
    new MutationObserver(() => {
        clearTimeout(timer);
        timer = setTimeout(done, 600);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
    setTimeout(done, 10_000); // some parts tick
})"""


def serious(page: Any, where: str) -> list[str]:
    """What axe says of the page as it is now, as far as it is serious or critical."""
    page.evaluate(_SETTLED)
    violations = Axe().run(page).response["violations"]
    return [
        f"{where}: {violation['id']}: {node['html'][:160]} at {node['target']}: {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


@pytest.fixture(params=[1440, 390])
def width(request) -> int:
    return request.param


@pytest.fixture(params=["light", "dark"])
def page(request, browser, width) -> Iterator[Any]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=request.param, reduced_motion="reduce"
    )
    opened = context.new_page()
    opened.set_default_timeout(steps.PATIENCE_MS)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def locked_house(tmp_path_factory) -> Iterator[str]:
    """The address of a page with logins."""
    from ui.mount import DomainPage, mount

    folder = tmp_path_factory.mktemp("locked")
    service, sessions = FakeService(folder / "garden"), people(folder)
    app = create_app([service], ServeSettings(), users=sessions.users, sessions=sessions)
    database = UserDatabase(folder / "users.sqlite")
    with running(mount(app, [DomainPage(service)], database, sessions)) as url:
        yield url


def test_the_chat(page, site, width):
    steps.open_page(page, site.url)
    found = serious(page, "empty chat")
    steps.ask(page, "When do I prune a quince?")
    found += serious(page, "answer")
    page.get_by_role("button", name="Correct", exact=True).click()
    page.wait_for_selector("#rating", state="visible")
    found += serious(page, "correction")
    if width > 900:
        steps.choose(page, "Format", "JSON")
        steps.ask(page, "How is quince pruned?")
        found += serious(page, "answer in JSON")
    page.locator("#menu summary").click()
    assert [*found, *serious(page, "menu")] == []


def test_the_workbench(page, site):
    site.service.publish()
    steps.open_page(page, site.url)
    found = []
    for name in PAGES:
        steps.open_tab(page, name)
        found += serious(page, name)
    assert found == []


def test_votes_and_cards(page, site):
    site.service.publish()
    steps.open_page(page, site.url)
    steps.open_tab(page, "Arena")
    page.wait_for_selector("#contestants .token")
    page.fill("#arena-question textarea", "When do I prune a quince?")
    page.press("#arena-question textarea", "Enter")
    page.wait_for_selector("#votes", state="visible")
    found = serious(page, "before the vote")
    page.get_by_role("button", name="A is best").click()
    page.wait_for_selector("#standings table")
    assert [*found, *serious(page, "after the vote")] == []


def test_login_account_and_password(page, locked_house):
    page.goto(locked_house)
    found = serious(page, "login")
    page.fill("#name", "bob")
    page.fill("#password", "not the password")
    page.click("button[type=submit]")
    page.wait_for_selector("[role=alert]")
    found += serious(page, "login refused")
    page.fill("#password", WORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#question textarea")
    steps.wait_until_ready(page)
    steps.open_tab(page, "Account")
    page.wait_for_selector(".account h2:text-is('bob')")
    found += serious(page, "account")
    page.goto(locked_house + PASSWORD_PATH)
    assert [*found, *serious(page, "password")] == []


def test_the_check_finds_what_is_wrong(page, site):
    steps.open_page(page, site.url)
    page.evaluate("document.body.append(document.createElement('button'), document.createElement('input'))")
    assert {line.split(": ")[1] for line in serious(page, "spoilt")} >= {"button-name", "label"}
