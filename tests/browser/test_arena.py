"""The arena in headless Chromium: answers side by side, a blind vote, and a table of who wins."""

import pytest
from playwright.sync_api import expect

from core.feedback_store import FeedbackStore
from tests.browser import steps


@pytest.fixture
def arena(page, site):
    """The arena's page, with an adapter to choose; the votes of this test."""
    site.service.publish("garden@3f9c2a1b")
    page.get_by_role("tab", name="Arena").click()
    page.wait_for_selector("#arena-question textarea", state="visible")
    page.wait_for_selector("#contestants .token")
    return page


def ask_all(page, text="When do I prune a quince?"):
    """Ask, and wait until all have answered."""
    page.fill("#arena-question textarea", text)
    page.press("#arena-question textarea", "Enter")
    page.wait_for_selector("#votes", state="visible")


def test_a_blind_vote_is_kept_and_counted(arena, site):
    store = FeedbackStore(site.users, "garden")
    before = len(store.votes())
    ask_all(arena)
    expect(arena.locator(".card")).to_have_count(2)
    expect(arena.locator(".card .who")).to_have_count(0)
    expect(arena.locator("#arena-cards")).not_to_contain_text("tokens read", use_inner_text=True)
    expect(arena.locator(".card >> nth=0")).to_contain_text("shrubs/quince.md", use_inner_text=True)
    expect(arena.get_by_role("button", name="C is best")).to_be_hidden()
    arena.get_by_role("button", name="B is best").click()
    arena.wait_for_selector(".card.won")
    expect(arena.locator(".card .who")).to_have_count(2)
    assert {"Documents", "Documents + trained style, garden@3f9c2a1b"} == set(
        arena.locator(".card .who").all_inner_texts()
    )
    expect(arena.locator(".card >> nth=1")).to_contain_text("812 tokens read, 11 written", use_inner_text=True)
    expect(arena.locator("#votes")).to_be_hidden()
    arena.wait_for_selector("#standings table")
    expect(arena.locator("#standings tbody tr")).to_have_count(2)
    votes = store.votes()[before:]
    assert len(votes) == 1
    assert votes[0].winner == 1
    expect(arena.locator("#arena-line")).to_contain_text("Your vote is kept. B was: ", use_inner_text=True)


def test_answers_stream_side_by_side_and_are_stopped_together(arena, site):
    site.service.slow(0.03)
    arena.fill("#arena-question textarea", "Tell an endless story about sage")
    arena.press("#arena-question textarea", "Enter")
    arena.wait_for_function(
        "document.querySelectorAll('.card').length === 2"
        " && [...document.querySelectorAll('.card .plain')].filter((a) => a.textContent.includes('word3')).length === 2"
    )
    arena.get_by_role("button", name="Stop all").click()
    arena.get_by_role("button", name="Ask all").wait_for()
    assert site.service.log.count("cancelled") == 2
    expect(arena.locator("#arena-line")).to_contain_text("not enough answers", use_inner_text=True)


def test_names_can_be_shown_at_once(arena):
    arena.get_by_label("Hide who is who until I vote").uncheck()
    ask_all(arena)
    expect(arena.locator(".card .who")).to_have_count(2)
    arena.get_by_role("button", name="Equally good").click()
    arena.wait_for_selector("#votes", state="hidden")


def test_one_way_of_answering_is_no_contest(arena, site):
    arena.locator("#contestants .token-remove").first.click()
    arena.fill("#arena-question textarea", "When do I prune a quince?")
    arena.get_by_role("button", name="Ask all").click()
    arena.wait_for_function("document.querySelector('#arena-line')?.innerText.includes('Choose 2 to 4')")
    assert site.service.asked == []


def test_payloads_do_not_run(arena, watch):
    ask_all(arena, "What does the poisoned passage say? <img src=x onerror='window.__pwned=1'>")
    arena.wait_for_timeout(300)
    assert "<script>window.__pwned=1</script>" in arena.inner_text(".card >> nth=0")
    assert arena.evaluate("window.__pwned") is None
    expect(arena.locator("#arena-cards img")).to_have_count(0)
    assert watch.elsewhere == []


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    page.goto(site.url)
    page.get_by_role("tab", name="Arena").click()
    page.wait_for_selector("#contestants .token")
    ask_all(page, "What does the poisoned passage say? " + "x" * 300)
    page.get_by_role("button", name="None is good").click()
    page.wait_for_selector("#standings table")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
