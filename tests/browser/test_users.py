"""Logins, roles, and that nobody gets at what is somebody else's: in a real browser, and past it."""

import json
import re
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import expect

from core.conversations import ConversationStore
from core.sessions import COOKIE, Sessions
from core.settings import ServeSettings, Settings
from core.user_database import UserDatabase
from core.workspace import Workspace
from serve.api_keys import add_key
from serve.gateway import create_app
from tests.browser import steps
from tests.fake_examples import FakeExampleDesk
from tests.fake_lab import FakeAdviceDesk, FakeLabDesk
from tests.fake_training import FakeTrainingDesk
from tests.fakes import FakeService, FakeShelf
from tests.support.fake_chat_files import FakeChatFiles
from tests.support.people import WORD, cookie_of, people
from tests.support.running_app import running

SECRET = "Where did I bury the gold under the quince?"


@dataclass
class House:
    """A page with logins, and what stands behind it."""

    url: str
    service: FakeService
    sessions: Sessions
    conversations: ConversationStore
    key: str

    def client(self, name: str) -> httpx.Client:
        """Somebody who has logged in, without a browser."""
        return httpx.Client(base_url=self.url, headers=cookie_of(self.sessions, name), timeout=30)

    def identity(self, name: str) -> str:
        user = self.sessions.users.named(name)
        assert user is not None
        return user.id


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    from graft.user_desk import LocalUserDesk
    from ui.desks import Desks
    from ui.mount import DomainPage, mount

    folder = tmp_path_factory.mktemp("house")
    service, sessions = FakeService(tmp_path_factory.mktemp("garden")), people(folder)
    service.publish()
    key = add_key(folder / "keys.txt", "laptop", user="bob")
    database = UserDatabase(folder / "users.sqlite")
    settings = ServeSettings(api_keys_file=folder / "keys.txt")
    app = create_app([service], settings, users=sessions.users, sessions=sessions)
    boards = FakeShelf(), FakeLabDesk(tmp_path_factory.mktemp("lab")), FakeAdviceDesk()
    desks = *boards, FakeExampleDesk(), FakeTrainingDesk()
    files = FakeChatFiles(service, ConversationStore(database, "garden"), tmp_path_factory.mktemp("files"))
    whole = Settings(workspace=folder, serve=settings)
    users = LocalUserDesk(sessions.users.path, whole, Workspace.open(folder))
    with running(mount(app, [DomainPage(service, Desks(*desks, files, users=users))], database, sessions)) as url:
        yield House(url, service, sessions, ConversationStore(database, "garden"), key)


@pytest.fixture
def visit(browser, house):
    """Opens pages, each in a browser of its own, and says what went wrong in them."""
    contexts, troubles = [], []

    def visit(width=1440, height=900):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(steps.PATIENCE_MS)
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: request.url.startswith(house.url) or troubles.append(request.url))
        page.goto(house.url)
        return page

    visit.troubles = troubles
    yield visit
    for context in contexts:
        context.close()


def log_in(page, name, password=WORD):
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("button[type=submit]")


def enter(page, name):
    log_in(page, name)
    page.wait_for_selector("#question textarea")
    steps.wait_until_ready(page)


def tab(page, name):
    return page.locator("#pages > .tab-wrapper").get_by_role("tab", name=name, exact=True)


def test_logging_in_and_out(visit, house):
    page = visit()
    assert page.url == f"{house.url}/login"
    log_in(page, "bob", "not the password")
    page.wait_for_selector("[role=alert]")
    expect(page.locator("[role=alert]")).to_have_text("Name or password is wrong.")
    expect(page.locator("#name")).to_have_value("bob")
    visit.troubles.clear()  # the browser logs the 401
    enter(page, "bob")
    assert page.url == f"{house.url}/"
    page.get_by_role("tab", name="Account").click()
    page.wait_for_selector(".account h2:text-is('bob')")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_selector("#password")
    page.goto(house.url)
    assert page.url == f"{house.url}/login"
    assert visit.troubles == []


def test_a_link_is_followed_after_the_login(visit, house):
    page = visit()
    page.goto(f"{house.url}/?from=mail")
    log_in(page, "bob")
    page.wait_for_selector("#question textarea")
    assert page.url == f"{house.url}/?from=mail"


@pytest.mark.parametrize(("name", "sees"), [("bob", False), ("cleo", True), ("ada", True)])
def test_each_role_sees_its_pages(visit, name, sees):
    page = visit()
    enter(page, name)
    page.wait_for_selector("#pages [role=tab]:text-is('Account')")
    expect(tab(page, "Documents")).to_be_visible(visible=sees)
    for always in ("Chat", "Arena", "Account"):
        expect(tab(page, always)).to_be_visible()


def test_the_account_exports_and_deletes(visit, house):
    page = visit()
    enter(page, "bob")
    steps.ask(page, "When do I prune a quince?")
    page.get_by_role("button", name="Good answer").last.click()
    page.wait_for_selector("#line :text('Kept')")
    page.get_by_role("tab", name="Account").click()
    page.wait_for_selector(".account :text('1 rating or correction')")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save all of mine as JSON").last.click()
    content = json.loads(saved.value.path().read_text())
    assert content["conversations"][0]["turns"][0]["question"]["text"] == "When do I prune a quince?"
    assert content["ratings"][0]["verdict"] == "up"
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete all of mine").last.click()
    page.wait_for_selector(".account :text('0 conversations')")
    assert house.conversations.find(house.identity("bob")) == []
    page.get_by_role("tab", name="Chat").click()
    page.wait_for_selector("#conversation .example")
    assert visit.troubles == []


def test_two_people_see_their_own(visit, house):
    first, second = visit(), visit()
    enter(first, "bob")
    enter(second, "ben")
    steps.ask(first, SECRET)
    steps.ask(second, "Which plants grow in shade?")
    for page, own in ((first, SECRET), (second, "Which plants grow in shade?")):
        page.reload()
        page.wait_for_selector("#listing label")
        expect(page.locator("#listing")).to_contain_text(own[:30], use_inner_text=True)
        expect(page.locator("#listing label")).to_have_count(1)
    house.conversations.delete_all(house.identity("ben"))
    house.conversations.delete_all(house.identity("bob"))


def bobs_conversation(house):
    from core.arms import parse_arm
    from core.chat import Question
    from core.turns import Turn

    turn = Turn(question=Question(text=SECRET, arm=parse_arm("rag")), text="Under the third branch.", state="done")
    return house.conversations.create(house.identity("bob"), [turn])


def events(client):
    """Every event of the page: its number, whether it waits in the queue, and which of its inputs are states."""
    config = client.get("/config").json()
    kinds = {component["id"]: component["type"] for component in config["components"]}
    for event in config["dependencies"]:
        if event["backend_fn"]:
            yield event["id"], event["queue"], [kinds[number] == "state" for number in event["inputs"]]


def knock(client, found, conversation, session):
    """Call every event with the id of a conversation, each on a page that was just opened; all that was said to it."""
    config = client.get("/config").json()
    opening = {event["id"] for event in config["dependencies"] if any(kind == "load" for _, kind in event["targets"])}
    opened = [event for event in found if event[0] in opening and not event[1]]
    said = []
    for event in found:
        for first in opened:
            call(client, *first, "", session)
        said.append(call(client, *event, conversation, session))
    return said


def call(client, number, queued, states, value, session, *, told=None):
    """Call an event with `value` for each of its inputs; everything that the server says to it."""
    data = [None if is_state else value for is_state in states]
    told = told or {"conversation": value, "turn": 0, "source": value, "what": "open", "value": {"text": "x"}}
    told.setdefault("index", [0, 0])
    body = {"data": data, "fn_index": number, "session_hash": session, "event_data": told}
    if not queued:
        return client.post("/gradio_api/run/predict", json=body).text
    said = client.post("/gradio_api/queue/join", json=body).text
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as answers:
        for line in answers.iter_lines():
            said += line
            assert "heartbeat" not in line, f"event {number} does not end"
            if "process_completed" in line or "unexpected_error" in line:
                break
    return said


def test_no_event_gives_away_a_conversation_by_its_id(house):
    conversation = bobs_conversation(house)
    with house.client("ben") as ben:
        found = list(events(ben))
        assert len(found) > 20
        said = knock(ben, found, conversation, "bens")
    assert not any("gold" in text or "third branch" in text for text in said)
    kept = house.conversations.read(house.identity("bob"), conversation)
    assert kept.turns[0].question.text == SECRET
    # The same calls by Bob himself do reach it: the test knocks at the right doors.
    with house.client("bob") as bob:
        said = knock(bob, found, conversation, "bobs")
    assert any("third branch" in text for text in said)
    house.conversations.delete_all(house.identity("bob"))


def test_no_file_gives_away_a_conversation(house):
    conversation = bobs_conversation(house)
    paths = [f"/mine/conversations/{conversation}.{suffix}" for suffix in ("md", "json")]
    with house.client("bob") as bob:
        assert all("gold" in bob.get(path).text for path in paths)
    for name in ("ben", "cleo", "ada"):
        with house.client(name) as other:
            assert [other.get(path).status_code for path in paths] == [404, 404]
            assert "gold" not in other.get("/mine/everything.json").text
    house.conversations.delete_all(house.identity("bob"))


def test_a_forged_cookie_is_nobodys(house):
    bob, value = house.identity("bob"), house.sessions.begin(house.sessions.users.named("ben"))
    forged = [value.replace(house.identity("ben"), bob), f"{bob}.{'0' * 64}", value[:-1] + "g", bob]
    for cookie in forged:
        for name in (COOKIE, "graft_user"):
            answer = httpx.get(f"{house.url}/mine/everything.json", headers={"cookie": f"{name}={cookie}"})
            assert answer.status_code == 401
    # A header that some proxies would set is no login.
    for header in ("x-forwarded-user", "remote-user", "x-user"):
        assert httpx.get(f"{house.url}/config", headers={header: "ada"}).status_code == 401


def test_the_session_of_a_running_answer_is_its_users(visit, house):
    page, sessions = visit(), []
    page.on("request", lambda request: sessions.extend(re.findall(r"session_hash=(\w+)", request.url)))
    enter(page, "bob")
    house.service.slow(0.05)
    steps.start_asking(page, "Tell an endless story about sage")
    page.wait_for_function("document.querySelector('.answer.running .plain')?.textContent.includes('word3')")
    session = sessions[-1]
    with house.client("ben") as ben:
        numbers = [number for number, _, _ in events(ben)]
        assert ben.get(f"/gradio_api/queue/data?session_hash={session}").status_code == 404
        assert ben.get(f"/gradio_api/heartbeat/{session}").status_code == 404
        for number in numbers:
            body = {"data": [], "fn_index": number, "session_hash": session}
            for route in ("run/predict", "queue/join", "cancel"):
                assert ben.post(f"/gradio_api/{route}", json={**body, "event_id": "x"}).status_code == 404
    steps.stop(page)
    house.service.reset()
    house.service.publish()
    house.conversations.delete_all(house.identity("bob"))


def test_an_upload_is_whose_it_was(house):
    with house.client("cleo") as cleo, house.client("ada") as ada:
        (path,) = cleo.post("/gradio_api/upload", files={"files": ("plan.txt", b"the secret plan")}).json()
        assert cleo.get(f"/gradio_api/file={path}").text == "the secret plan"
        assert ada.get(f"/gradio_api/file={path}").status_code == 404
        file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "plan.txt"}
        for number, _, states in events(ada):
            body = {"data": [[file]] * len(states), "fn_index": number, "session_hash": f"ada{number}"}
            assert not states or ada.post("/gradio_api/queue/join", json=body).status_code == 404


def test_events_of_a_page_are_refused_to_those_it_is_not_for(house):
    with house.client("bob") as bob, house.client("cleo") as cleo:
        refused = [
            number
            for number, queued, states in events(bob)
            if "needs the role" in call(bob, number, queued, states, "", f"roles{number}")
        ]
        assert len(refused) >= 10  # those of the page for documents
        number, queued, states = next(event for event in events(cleo) if event[0] in refused and not event[1])
        assert "needs the role" not in call(cleo, number, queued, states, "", "cleo1")


def test_a_key_is_its_users(house):
    asked = {"model": "garden", "messages": [{"role": "user", "content": "When do I prune a quince?"}]}
    headers = {"authorization": f"Bearer {house.key}"}
    assert httpx.post(f"{house.url}/v1/chat/completions", json=asked, headers=headers).status_code == 200
    assert httpx.post(f"{house.url}/v1/chat/completions", json=asked).status_code == 401
    mine = httpx.get(f"{house.url}/mine/everything.json", headers=headers)
    assert not any(mine.json().values())


def test_who_is_removed_is_out_at_once(house):
    from core.roles import Role
    from core.users import add_user, remove_user

    add_user(house.sessions.users.path, "guest", Role.CHAT, WORD)
    with house.client("guest") as guest:
        assert guest.get("/config").status_code == 200
        remove_user(house.sessions.users.path, "guest")
        assert guest.get("/config").status_code == 401


def test_what_has_learnt_from_somebody_is_listed(visit, house):
    page = visit()
    house.service.published = [
        info.model_copy(update={"people": {house.identity("ben"): 2, house.identity("bob"): 5}})
        for info in house.service.published
    ]
    enter(page, "ben")
    page.get_by_role("tab", name="Account").click()
    page.wait_for_selector(".account td:text-is('garden@3f9c2a1b')")
    expect(page.locator(".account td").nth(2)).to_have_text("2")
    assert house.identity("bob") not in page.content()
