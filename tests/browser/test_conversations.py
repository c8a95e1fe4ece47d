"""Conversations in headless Chromium: kept, found again, edited, exported, deleted; and each user's own."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import steps


@pytest.fixture
def other(browser, site):
    """The page in another person's browser."""
    page = steps.new_page(browser)
    steps.open_page(page, site.url)
    yield page
    page.context.close()


def begin(page):
    """Begin a new conversation."""
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector("#conversation .example")


def wait_for_list(page, titles):
    """Wait until the list shows exactly these conversations."""
    page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('#listing label')].map((l) => l.innerText.trim()))"
        " === JSON.stringify(wanted)",
        arg=titles,
    )


def test_a_conversation_is_listed_and_opened_again_after_a_reload(page, site):
    steps.ask(page, "When do I prune a quince?")
    steps.ask(page, "And in shade?")
    begin(page)
    steps.ask(page, "Which plants grow in shade?")
    steps.open_page(page, site.url)
    wait_for_list(page, ["Which plants grow in shade?", "When do I prune a quince?"])
    page.get_by_role("radio", name="When do I prune a quince?").check(force=True)
    page.wait_for_function("document.querySelectorAll('#conversation .answer').length === 2")
    expect(page.locator("#title input, #title textarea")).to_have_value("When do I prune a quince?")
    assert steps.sources(page)[0]["file"] == "shrubs/quince.md"
    steps.ask(page, "And sage?")
    assert site.service.asked[-1].history == ("When do I prune a quince?", "And in shade?")
    wait_for_list(page, ["When do I prune a quince?", "Which plants grow in shade?"])


def test_another_user_sees_none_of_it(page, site, other):
    steps.ask(page, "When do I prune a quince?")
    steps.open_page(other, site.url)
    expect(other.locator("#listing label")).to_have_count(0)
    link = page.get_attribute(".menu a >> nth=0", "href")
    assert page.request.get(site.url + link).status == 200
    assert other.request.get(site.url + link).status == 404


def test_search_and_rename(page):
    steps.ask(page, "When do I prune a quince?")
    begin(page)
    steps.ask(page, "Which plants grow in shade?")
    page.fill("#title input, #title textarea", "Shady places")
    page.press("#title input, #title textarea", "Enter")
    wait_for_list(page, ["Shady places", "When do I prune a quince?"])
    page.fill("#search input, #search textarea", "february")
    wait_for_list(page, ["When do I prune a quince?"])
    page.fill("#search input, #search textarea", "woodruff shady")
    wait_for_list(page, ["Shady places"])


def test_a_question_is_edited_and_what_came_after_it_goes(page, site):
    steps.ask(page, "When do I prune a quince?")
    steps.ask(page, "And sage?")
    page.get_by_role("button", name="Edit").first.click()
    page.wait_for_function("document.querySelector('#question textarea')?.value === 'When do I prune a quince?'")
    expect(page.locator("#line .line")).to_contain_text("What came after it will go")
    page.get_by_role("button", name="Leave as it was").click()
    page.wait_for_function("document.querySelector('#question textarea')?.value === ''")
    expect(page.locator("#conversation .answer")).to_have_count(2)
    page.get_by_role("button", name="Edit").first.click()
    page.wait_for_function("document.querySelector('#question textarea')?.value !== ''")
    page.fill("#question textarea", "Which plants grow in shade?")
    page.press("#question textarea", "Enter")
    page.wait_for_function("document.querySelectorAll('#conversation .answer').length === 1")
    steps.wait_for_answer(page)
    assert steps.answer_text(page) == "Woodruff grows in shade under trees."
    assert site.service.asked[-1].history == ()
    wait_for_list(page, ["Which plants grow in shade?"])


def test_opening_another_conversation_stops_an_answer_and_keeps_it(page, site):
    steps.ask(page, "When do I prune a quince?")
    begin(page)
    site.service.slow(0.02)
    steps.start_asking(page, "Tell an endless story about sage")
    page.wait_for_function("document.querySelector('.answer.running .plain')?.textContent.includes('word3')")
    page.get_by_role("radio", name="When do I prune a quince?").check(force=True)
    assert site.service.wait_for("cancelled")
    page.wait_for_function("document.querySelector('#conversation .answer')?.innerText.startsWith('Prune quince')")
    page.get_by_role("radio", name="Tell an endless story about sage").check(force=True)
    page.wait_for_function("document.querySelector('#conversation .answer')?.innerText.startsWith('word0 word1')")
    assert "Stopped" in steps.badge(page)


def test_an_answer_is_kept_when_the_browser_goes_away(page, site):
    site.service.slow(0.02)
    steps.start_asking(page, "Tell an endless story about sage")
    page.wait_for_function("document.querySelector('.answer.running .plain')?.textContent.includes('word3')")
    page.goto("about:blank")
    assert site.service.wait_for("cancelled")
    steps.open_page(page, site.url)
    page.get_by_role("radio", name="Tell an endless story about sage").check(force=True)
    page.wait_for_function("document.querySelector('#conversation .answer')?.innerText.startsWith('word0 word1')")
    assert "Stopped" in steps.badge(page)


def test_export_and_deletion(page):
    steps.choose(page, "Format", "JSON")
    steps.ask(page, "How is quince pruned?")
    page.click(".menu summary")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as JSON").click()
    content = json.loads(saved.value.path().read_text())
    assert content["turns"][0]["answer"]["answer"]["plant"] == "quince"
    page.click(".menu summary")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as Markdown").click()
    assert "```json" in saved.value.path().read_text()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click(".menu summary")
    page.get_by_role("button", name="Delete this conversation").click()
    expect(page.locator("#conversation .answer")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.click(".menu summary")
    page.get_by_role("button", name="Delete this conversation").click()
    page.wait_for_selector("#conversation .example")
    expect(page.locator("#listing label")).to_have_count(0)


def test_a_json_answer_is_downloaded_as_a_file(page):
    steps.choose(page, "Format", "JSON")
    steps.ask(page, "How is quince pruned?")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "answer.json"
    assert json.loads(saved.value.path().read_text()) == {"plant": "quince", "prune": "February", "sun": True}


def test_titles_bring_no_markup(page, watch):
    steps.ask(page, "<img src=x onerror='window.__pwned=1'> quince")
    page.wait_for_selector("#listing label")
    page.wait_for_timeout(300)
    assert "<img src=x" in page.inner_text("#listing")
    expect(page.locator("#listing img")).to_have_count(0)
    assert page.evaluate("window.__pwned") is None
    assert watch.errors == []
