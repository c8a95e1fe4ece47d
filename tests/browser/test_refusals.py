"""What the server refuses is said on the page, with what helps: events past Gradio's queue and in it, none at all."""

import pytest
from playwright.sync_api import expect

from core.sessions import COOKIE
from core.user_database import UserDatabase
from serve.gateway import create_app
from tests.browser import steps
from tests.browser.test_users import enter
from tests.support.people import people
from tests.support.running_app import running

PAST_THE_QUEUE, QUEUED = "**/gradio_api/run/**", "**/gradio_api/queue/join**"


@pytest.fixture
def notice(page):
    """The notice on the page."""
    return page.locator("#refusal")


def refuse(page, route, status, body="{}"):
    """Let the server refuse these events from now on; ticks pass, as they come without being asked for."""

    def answer(request):
        unasked = page.evaluate(
            """number => window.gradio_config.dependencies.find(({ id }) => id === number)
                .targets.every(([, name]) => ["tick", "load"].includes(name))""",
            request.request.post_data_json["fn_index"],
        )
        request.continue_() if unasked else request.fulfill(status=status, body=body, content_type="application/json")

    page.route(route, answer)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "The server refused this. Reload the page, then try again."),
        (404, "The server no longer knows this page. Reload it."),
        (413, "That is too large to be sent. Send less at once."),
        (429, "The server is busy. Wait a moment, then try again."),
        (500, "Something went wrong inside Graft. Try again"),
    ],
)
def test_a_refused_click_is_said_with_what_helps(page, notice, status, words):
    refuse(page, PAST_THE_QUEUE, status, '{"error": {"message": "no"}}' if status == 429 else '{"error": null}')
    page.get_by_role("button", name="New conversation").click()
    expect(notice).to_contain_text(words)
    expect(notice).to_have_attribute("role", "alert")
    expect(page.locator(".toast-body")).to_have_count(0)


def test_it_goes_with_the_next_click_that_is_done_or_when_it_is_closed(page, notice):
    refuse(page, PAST_THE_QUEUE, 429)
    page.get_by_role("button", name="New conversation").click()
    notice.get_by_role("button", name="Close").click()
    expect(notice).to_have_count(0)
    page.get_by_role("button", name="New conversation").click()
    expect(notice).to_be_visible()
    page.unroute(PAST_THE_QUEUE)
    page.get_by_role("button", name="New conversation").click()
    expect(notice).to_have_count(0)


def test_a_queued_event_that_is_refused_is_said_once(page, notice):
    steps.open_tab(page, "Train")
    page.wait_for_selector("#adapters-list table")
    refuse(page, QUEUED, 404, '{"detail": "there is nothing of yours here"}')
    page.locator("#train-plan").click()
    expect(notice).to_contain_text("The server no longer knows this page. Reload it.")
    expect(page.locator(".toast-body")).to_have_count(0)


def test_what_an_event_says_itself_is_shown_unless_it_is_not_to_be(page, notice):
    refuse(page, PAST_THE_QUEUE, 500, '{"error": "this needs the role <b>admin</b>", "visible": true}')
    page.get_by_role("button", name="New conversation").click()
    expect(notice).to_contain_text("this needs the role <b>admin</b>")
    notice.get_by_role("button", name="Close").click()
    page.unroute(PAST_THE_QUEUE)
    refuse(page, PAST_THE_QUEUE, 500, '{"error": "not for you", "visible": false}')
    with page.expect_response(lambda response: response.status == 500):
        page.get_by_role("button", name="New conversation").click()
    page.wait_for_timeout(500)
    expect(notice).to_have_count(0)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/", "The server does not answer. This page is loaded again once it does; if not, ask whoever runs Graft."),
        ("/zh/", "服务器没有响应。恢复后此页面会自动重新加载；如果一直没有恢复，请询问 Graft 的管理者。"),
    ],
)
def test_a_server_that_is_gone_is_said_in_the_readers_language(page, site, place, words):
    page.goto(site.url + place)
    steps.wait_until_ready(page)
    page.route("**/gradio_api/**", lambda route: route.abort())
    page.locator("#fresh").click()
    expect(page.locator(".toast-body")).to_contain_text(words)
    # It is there again.
    page.unroute("**/gradio_api/**")
    expect(page.locator(".toast-body")).to_have_count(0)
    steps.wait_until_ready(page)


def test_who_is_no_longer_logged_in_is_told_and_led_to_the_login(browser, tmp_path):
    from core.settings import ServeSettings
    from tests.fakes import FakeService
    from ui.mount import DomainPage, mount

    service, sessions = FakeService(tmp_path / "garden"), people(tmp_path)
    app = create_app([service], ServeSettings(), users=sessions.users, sessions=sessions)
    database = UserDatabase(tmp_path / "users.sqlite")
    with running(mount(app, [DomainPage(service)], database, sessions)) as url:
        page = steps.new_page(browser, locale="zh-CN")
        page.goto(f"{url}/zh/")
        enter(page, "bob")
        cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE)
        sessions.end(f"{COOKIE}={cookie['value']}")
        page.locator("#fresh").click()
        notice = page.locator("#refusal")
        expect(notice).to_contain_text("您的登录已失效。请重新加载页面并再次登录。")
        notice.get_by_role("button", name="重新加载").click()
        page.wait_for_url(f"{url}/login**")
        page.context.close()
