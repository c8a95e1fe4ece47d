"""A real browser (Debian's Chromium through Playwright) and the page over the fake service, on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.conversations import ConversationStore
from core.user_database import UserDatabase
from tests.fake_examples import FakeExampleDesk
from tests.fake_lab import FakeAdviceDesk, FakeLabDesk
from tests.fake_training import FakeTrainingDesk
from tests.fakes import FakeDesk, FakeService, FakeShelf
from tests.support.fake_chat_files import FakeChatFiles
from tests.support.running_app import running

CHROMIUM = Path("/usr/bin/chromium")
# Without the network flags Chromium tries to reach its maker at every start.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.hookimpl(tryfirst=True)  # before the ordering by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and skip it by name where there is no Chromium."""
    skip = pytest.mark.skip(reason=f"{CHROMIUM} is missing: apt-get install chromium")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(skip)


@dataclass
class Site:
    """A page that is being served, and the service behind it."""

    url: str
    service: FakeService
    users: UserDatabase
    shelf: FakeShelf
    lab: FakeLabDesk
    advice: FakeAdviceDesk
    examples: FakeExampleDesk
    training: FakeTrainingDesk
    files: FakeChatFiles

    @property
    def desk(self) -> FakeDesk:
        """The desk of the domain's own documents."""
        return self.shelf.own


@dataclass
class Watch:
    """What a browser page did beside being looked at: requests to elsewhere, console errors."""

    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser():
    """One headless Chromium for all tests."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.steps import PATIENCE_MS

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page over a fake service, behind uvicorn on a free port of loopback, beside a route of the app's own."""
    from fastapi import FastAPI

    from ui.desks import Desks
    from ui.mount import DomainPage, mount

    app = FastAPI()

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    service = FakeService(tmp_path_factory.mktemp("garden"))
    shelf, lab, advice = FakeShelf(), FakeLabDesk(tmp_path_factory.mktemp("lab")), FakeAdviceDesk()
    examples, training = FakeExampleDesk(), FakeTrainingDesk()
    users = UserDatabase(tmp_path_factory.mktemp("workspace") / "users.sqlite")
    files = FakeChatFiles(service, ConversationStore(users, "garden"), tmp_path_factory.mktemp("chat-files"))
    desks = Desks(shelf, lab, advice, examples, training, files)
    with running(mount(app, [DomainPage(service, desks)], users)) as url:
        yield Site(url, service, users, shelf, lab, advice, examples, training, files)


@pytest.fixture
def site(running_site: Site) -> Site:
    """The served page, its service as new."""
    running_site.service.reset()
    for desk in (
        running_site.shelf,
        running_site.lab,
        running_site.advice,
        running_site.examples,
        running_site.training,
    ):
        desk.reset()
    running_site.files.pause = 0.0
    return running_site


@pytest.fixture
def watch() -> Watch:
    """Collects what `page` does."""
    return Watch()


@pytest.fixture
def page(browser, site: Site, watch: Watch):
    """A browser page on the site, watched, ready for a question."""
    from tests.browser.steps import PATIENCE_MS, open_page

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.on("request", lambda request: _note_request(request.url, site.url, watch))
    opened.on("console", lambda message: watch.errors.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: watch.errors.append(str(error)))
    open_page(opened, site.url)
    yield opened
    context.close()


def _note_request(url: str, origin: str, watch: Watch) -> None:
    if not url.startswith((origin, "data:", "blob:")):
        watch.elsewhere.append(url)
