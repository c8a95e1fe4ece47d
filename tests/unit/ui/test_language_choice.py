import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from ui.language import language
from ui.language_choice import COOKIE, Languages, chosen, language_routes, page_path


@pytest.fixture
def client():
    app = FastAPI()
    app.include_router(language_routes())
    app.include_router(language_routes(), prefix="/d/helpdesk")
    app.add_middleware(Languages)

    @app.get("/{path:path}")
    async def page(path: str):
        return {"path": path, "language": language()}

    return TestClient(app, follow_redirects=False, headers={"Accept": "text/html"})


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB, zh;q=0.5", "en"),
        ("zh;q=0.5, en", "en"),
        ("de, fr;q=0.9, zh-Hant;q=0.1", "zh"),
        ("de", "en"),
        ("ZH", "zh"),
        ("zh;q=x, ;;, en;q=0.1", "en"),
        ("zh;q=0, de", "en"),
    ],
)
def test_the_browser_asks(asked, language):
    assert chosen(Headers({"accept-language": asked})) == language


@pytest.mark.parametrize("cookie", ["graft_language=xx", "graft_language=", "=;;=", "other=zh"])
def test_a_cookie_that_says_nothing_is_passed_over(cookie):
    assert chosen(Headers({"cookie": cookie, "accept-language": "zh"})) == "zh"


def test_what_was_chosen_goes_before_what_the_browser_asks(client):
    client.cookies.set(COOKIE, "en")
    assert client.get("/", headers={"Accept-Language": "zh"}).json()["language"] == "en"


def test_the_front_page_leads_to_the_language_of_its_reader(client):
    answer = client.get("/?a=1", headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/zh/?a=1")
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/zh", headers={"Accept-Language": "en"}).headers["location"] == "/zh/"
    assert client.get("/", headers={"Accept-Language": "en"}).json() == {"path": "", "language": "en"}


def test_an_address_says_its_language_whatever_the_browser_asks(client):
    client.cookies.set(COOKIE, "en")
    assert client.get("/zh/", headers={"Accept-Language": "en"}).json()["language"] == "zh"
    assert client.get("/zh/gradio_api/queue/join").json()["language"] == "zh"
    assert client.get("/zhou/").json()["language"] == "en"


def test_only_who_opens_the_page_is_sent_elsewhere(client):
    asked = {"Accept": "application/json", "Accept-Language": "zh"}
    assert client.get("/", headers=asked).json()["language"] == "zh"
    assert client.post("/", headers={"Accept-Language": "zh"}).status_code == 405


def test_the_switch_is_remembered(client):
    answer = client.get("/language/zh")
    assert (answer.status_code, answer.headers["location"]) == (303, page_path("zh"))
    assert client.cookies[COOKIE] == "zh"
    assert client.get("/").headers["location"] == "/zh/"
    client.get("/language/en")
    assert client.get("/", headers={"Accept-Language": "zh"}).json()["language"] == "en"


def test_the_switch_works_without_cookies(client):
    answer = client.get("/language/en")
    client.cookies.clear()
    stay = client.get(answer.headers["location"], headers={"Accept-Language": "zh"})
    assert stay.status_code == 200


def test_an_unknown_language_is_english(client):
    assert client.get("/language/xx").headers["location"].startswith("/?")


def test_each_domain_has_its_own_front_page(client):
    answer = client.get("/d/helpdesk/?a=1", headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/d/helpdesk/zh/?a=1")
    for asked, front in (("zh", "/d/helpdesk/zh/"), ("en", "/d/helpdesk/")):
        assert client.get("/d/helpdesk", headers={"Accept-Language": asked}).headers["location"] == front
    assert client.get("/d/helpdesk/zh").headers["location"] == "/d/helpdesk/zh/"
    stays = client.get("/d/helpdesk/?language=en", headers={"Accept-Language": "zh"})
    assert (stays.status_code, stays.json()["path"]) == (200, "d/helpdesk/")


def test_a_domains_address_says_its_language(client):
    client.cookies.set(COOKIE, "en")
    assert client.get("/d/helpdesk/zh/").json()["language"] == "zh"
    assert client.get("/d/helpdesk/zh/gradio_api/queue/join").json()["language"] == "zh"
    assert client.get("/d/zh/").json()["language"] == "en"


def test_the_switch_stays_with_the_domain(client):
    assert client.get("/d/helpdesk/language/zh").headers["location"] == "/d/helpdesk/zh/"
    assert client.get("/").headers["location"] == "/zh/"
    assert client.get("/d/helpdesk/language/en").headers["location"] == "/d/helpdesk/?language=en"
