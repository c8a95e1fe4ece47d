"""Users and keys looked after in the browser: by admins, with the effect of the commands, and by nobody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from core.conversations import ConversationStore
from core.roles import Role
from core.sessions import Sessions
from core.settings import ServeSettings, Settings
from core.user_database import UserDatabase
from core.users import set_role
from core.workspace import Workspace
from graft.user_desk import LocalUserDesk
from serve.api_keys import add_key, read_keys
from serve.gateway import create_app
from tests.browser import steps
from tests.browser.test_accessibility import serious
from tests.browser.test_users import bobs_conversation, call, enter, events, log_in
from tests.fakes import FakeService
from tests.support.people import WORD, cookie_of, people
from tests.support.running_app import running

OTHER = "quite another word"


@dataclass
class House:
    """A page with logins and keys, and the files behind it."""

    url: str
    sessions: Sessions
    conversations: ConversationStore
    settings: ServeSettings

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def identity(self, name: str) -> str:
        user = self.sessions.users.named(name)
        assert user is not None
        return user.id

    def keys(self, name: str) -> list[str]:
        assert self.settings.api_keys_file is not None
        return [key.name for key in read_keys(self.settings.api_keys_file) if key.owner == name]


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    from ui.desks import Desks
    from ui.mount import DomainPage, mount

    service, sessions = FakeService(tmp_path / "garden"), people(tmp_path)
    settings = ServeSettings(api_keys_file=tmp_path / "keys.txt")
    add_key(tmp_path / "keys.txt", "phone", user="ben")
    database = UserDatabase(tmp_path / "users.sqlite")
    app = create_app([service], settings, users=sessions.users, sessions=sessions)
    whole = Settings(workspace=tmp_path, serve=settings)
    desks = Desks(users=LocalUserDesk(sessions.users.path, whole, Workspace.open(tmp_path)))
    with running(mount(app, [DomainPage(service, desks)], database, sessions)) as url:
        yield House(url, sessions, ConversationStore(database, "garden"), settings)


@pytest.fixture
def visit(browser, house):
    """Opens pages, each in a browser of its own, and logs somebody in."""
    contexts, troubles = [], []

    def visit(name="", **options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(steps.PATIENCE_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(house.url)
        if name:
            enter(page, name)
        return page

    visit.troubles = troubles
    yield visit
    for context in contexts:
        context.close()


def box(name: str) -> str:
    return f"#{name} :is(input, textarea)"


def open_user(page: Any, name: str) -> None:
    page.get_by_role("button", name=f"Change {name}").click()
    page.wait_for_selector(f"#users-head h2:text-is('{name}')")


def secret(page: Any, where: str) -> str:
    page.wait_for_selector(f"{where} .secret code")
    return page.inner_text(f"{where} .secret code")


def answer(page: Any, text: str, where: str = "#users-answer") -> None:
    page.wait_for_selector(f"{where} :text({text!r})")


def test_an_admin_adds_somebody_who_comes_in_and_changes_the_password(visit, house):
    ada = visit("ada")
    steps.open_tab(ada, "Users")
    ada.wait_for_selector("#users-list tbody tr")
    expect(ada.locator("#users-list tbody tr")).to_have_count(4)
    ada.fill(box("user-name"), "zoe")
    ada.click("#user-add")
    given = secret(ada, "#users-line")
    assert re.fullmatch(r"(\w{5}-){3}\w{5}", given)
    ada.wait_for_selector("#users-list th:text-is('zoe')")
    # Shown once: it is gone when the page is looked at again.
    steps.open_tab(ada, "Chat")
    steps.open_tab(ada, "Users")
    ada.wait_for_selector("#users-line .secret", state="detached")
    zoe = visit()
    log_in(zoe, "zoe", given)
    zoe.wait_for_selector("#question textarea")
    steps.open_tab(zoe, "Account")
    zoe.get_by_role("link", name="Change your password").click()
    for field, word in (("#password", given), ("#new", OTHER), ("#again", OTHER)):
        zoe.fill(field, word)
    zoe.click("button[type=submit]")
    zoe.wait_for_selector("#question textarea")
    assert house.sessions.users.check("zoe", OTHER).role is Role.CHAT
    assert visit.troubles == []


def test_what_cannot_be_added_is_said_and_stays_in_the_boxes(visit, house):
    ada = visit("ada")
    steps.open_tab(ada, "Users")
    ada.fill(box("user-name"), "bob")
    ada.fill(box("user-password"), OTHER)
    ada.click("#user-add")
    answer(ada, "already", "#users-line")
    ada.fill(box("user-name"), "zoe")
    ada.fill(box("user-password"), "short")
    ada.click("#user-add")
    answer(ada, "10 to 200 characters", "#users-line")
    expect(ada.locator(box("user-name"))).to_have_value("zoe")
    ada.fill(box("user-password"), OTHER)
    ada.get_by_label("curate", exact=True).first.check(force=True)
    ada.click("#user-add")
    answer(ada, "zoe may log in now", "#users-line")
    assert house.sessions.users.check("zoe", OTHER).role is Role.CURATE


def test_a_role_counts_from_the_next_click_on(visit, house):
    ada, ben = visit("ada"), visit("ben")
    expect(ben.get_by_role("tab", name="Users")).to_be_hidden()
    steps.open_tab(ada, "Users")
    open_user(ada, "ben")
    ada.locator("#users-role label").filter(has_text="admin").locator("input").check(force=True)
    ada.click("#users-give")
    answer(ada, "The role is admin")
    ben.reload()
    steps.open_tab(ben, "Users")
    ben.wait_for_selector("#users-list tbody tr")
    # And back again: the page that is open still has its buttons, and they do nothing.
    set_role(house.sessions.users.path, "ben", Role.CHAT)
    ben.fill(box("user-name"), "eve")
    with ben.expect_response(lambda response: response.status == 500) as refused:
        ben.click("#user-add")
    assert "this needs the role 'admin'" in refused.value.text()
    expect(ben.locator("#refusal")).to_contain_text("needs the role")
    assert house.sessions.users.named("eve") is None


def test_the_last_admin_stays(visit, house):
    ada = visit("ada")
    steps.open_tab(ada, "Users")
    open_user(ada, "ada")
    ada.locator("#users-role label").filter(has_text="chat").locator("input").check(force=True)
    ada.click("#users-give")
    answer(ada, "nobody would be an admin any more")
    ada.once("dialog", lambda dialog: dialog.accept())
    ada.locator("#users-removal").get_by_role("button").first.click()
    answer(ada, "nobody would be an admin any more")
    assert house.sessions.users.named("ada").role is Role.ADMIN
    # One's own password asks for the old one, on a page of its own.
    expect(ada.locator("#users-password")).to_be_hidden()
    expect(ada.locator("#users-one").get_by_role("link", name="Change your password")).to_be_visible()


def test_a_new_password_ends_the_sessions(visit, house):
    ada = visit("ada")
    cookie = cookie_of(house.sessions, "bob")
    steps.open_tab(ada, "Users")
    open_user(ada, "bob")
    ada.click("#users-set")
    given = secret(ada, "#users-answer")
    assert house.sessions.users.check("bob", given) is not None
    with house.client(**cookie) as bob:
        assert bob.get("/config").status_code == 401


@pytest.mark.parametrize("everything", [False, True])
def test_a_removal_says_what_happens_to_what_is_left(visit, house, everything):
    conversation, bob = bobs_conversation(house), house.identity("bob")
    ada, asked = visit("ada"), []
    steps.open_tab(ada, "Users")
    open_user(ada, "bob")
    expect(ada.locator("#users-removal")).to_contain_text("1 conversation", use_inner_text=True)
    ada.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    name = "Remove with all of theirs" if everything else "Remove, and keep what they left"
    ada.get_by_role("button", name=name).click()
    answer(ada, "bob is removed", "#users-line")
    expect(ada.locator("#users-list th:text-is('bob')")).to_have_count(0)
    expect(ada.locator("#users-one")).to_be_hidden()
    assert ("None of it can be brought back" in asked[0]) is everything
    assert [info.id for info in house.conversations.find(bob)] == ([] if everything else [conversation])
    assert house.sessions.users.named("bob") is None


def test_keys_are_made_shown_once_and_revoked(visit, house):
    asked = {"model": "garden", "messages": [{"role": "user", "content": "When do I prune a quince?"}]}

    def ask(key: str) -> int:
        with house.client(authorization=f"Bearer {key}") as client:
            return client.post("/v1/chat/completions", json=asked).status_code

    bob = visit("bob")
    steps.open_tab(bob, "Account")
    bob.wait_for_selector("#own-keys-list :text('No API keys.')")
    bob.fill(box("own-key-name"), "laptop")
    bob.press(box("own-key-name"), "Enter")
    key = secret(bob, "#own-keys-answer")
    assert (ask(key), house.keys("bob")) == (200, ["laptop"])
    bob.fill(box("own-key-name"), "phone")
    bob.click("#own-make-key")
    answer(bob, "there is a key 'phone' already", "#own-keys-answer")
    ada = visit("ada")
    steps.open_tab(ada, "Users")
    open_user(ada, "bob")
    ada.fill(box("users-key-name"), "mailbot")
    ada.click("#users-make-key")
    second = secret(ada, "#users-answer")
    ada.once("dialog", lambda dialog: dialog.accept())
    ada.locator("#users-keys li").filter(has_text="laptop").get_by_role("button").click()
    answer(ada, "The key is revoked.")
    assert (ask(key), ask(second)) == (401, 200)
    steps.open_tab(bob, "Chat")
    steps.open_tab(bob, "Account")
    bob.once("dialog", lambda dialog: dialog.accept())
    bob.locator("#own-keys-list li").filter(has_text="mailbot").get_by_role("button").click()
    bob.wait_for_selector("#own-keys-list :text('No API keys.')")
    assert (ask(second), house.keys("bob"), house.keys("ben")) == (401, [], ["phone"])
    assert visit.troubles == []


def knock(client: httpx.Client, value: str, what: str, session: str) -> list[str]:
    """Call every event by hand, as if each had been pressed for `value`; all that was said."""
    told = {"what": what, "source": value, "conversation": "", "turn": 0, "index": [0, 0]}
    return [
        call(client, number, queued, states, value, f"{session}{number}", told=told)
        for number, queued, states in events(client)
    ]


@pytest.mark.parametrize("name", ["bob", "cleo"])
def test_no_hand_made_call_changes_users_or_keys_of_others(house, name):
    before = house.sessions.users.path.read_text(), house.keys("ben")
    for value, what in ((house.identity("ben"), "remove-all"), ("phone", "revoke"), (house.identity("ada"), "open")):
        with house.client(**cookie_of(house.sessions, name)) as client:
            said = knock(client, value, what, f"{name}-{what}")
        assert sum("needs the role" in text for text in said) >= 7
    assert (house.sessions.users.path.read_text(), house.keys("ben")) == before
    # The same calls by an admin do reach it: the test knocks at the right doors.
    with house.client(**cookie_of(house.sessions, "ada")) as ada:
        knock(ada, house.identity("ben"), "remove-all", "ada")
    assert house.sessions.users.named("ben") is None


def test_a_key_changes_neither_users_nor_keys(house):
    assert house.settings.api_keys_file is not None
    key = add_key(house.settings.api_keys_file, "robot", user="ada")
    before = house.sessions.users.path.read_text(), house.keys("ada")
    with house.client(authorization=f"Bearer {key}") as robot:
        said = knock(robot, house.identity("ben"), "remove-all", "robot")
        said += knock(robot, "eve", "open", "robot2")
    assert sum("an API key cannot change users or keys" in text for text in said) >= 4
    assert (house.sessions.users.path.read_text(), house.keys("ada")) == before


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(visit, width, scheme):
    ada = visit("ada", viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    steps.open_tab(ada, "Users")
    ada.wait_for_selector("#users-list tbody tr")
    found = serious(ada, "users")
    ada.fill(box("user-name"), "zoe")
    ada.click("#user-add")
    secret(ada, "#users-line")
    open_user(ada, "ben")
    found += serious(ada, "one of them")
    assert ada.evaluate("document.documentElement.scrollWidth <= innerWidth")
    steps.open_tab(ada, "Account")
    ada.wait_for_selector("#own-keys-list :text('No API keys.')")
    assert [*found, *serious(ada, "own keys")] == []


def test_without_logins_there_are_neither_users_nor_keys(page):
    steps.open_tab(page, "Account")
    page.wait_for_selector(".account")
    expect(page.locator("#pages [role=tab]:text-is('Users')")).to_have_count(0)
    expect(page.locator("#own-keys")).to_have_count(0)


def test_who_is_admin_sees_when_somebody_was_here(visit, house):
    bobs_conversation(house)
    ada = visit("ada")
    steps.open_tab(ada, "Users")
    row = ada.locator("#users-list tr").filter(has_text="bob")
    row.wait_for()
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", row.inner_text())
    assert WORD not in ada.content()
