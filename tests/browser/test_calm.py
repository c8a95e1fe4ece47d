"""The page is there soon, and nothing in the chat jumps while an answer is written."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser import steps

_WATCH = """() => {
    window.__jumps = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            if (entry.hadRecentInput) continue;
            for (const { node, previousRect: before, currentRect: after } of entry.sources) {
                const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
                if (!element?.closest("#chat")) continue;
                const name = `${element.localName}#${element.id}.${element.className}`;
                window.__jumps.push(`${name}: ${[before.x, before.y]} to ${[after.x, after.y]}`);
            }
        }
    }).observe({ type: "layout-shift" });
}"""
_ANSWER = "\n\n".join(
    f"Paragraph {number} tells of a quince, at some length and in several words." for number in range(9)
)


@pytest.fixture
def wordy(site):
    """The service writes an answer of several paragraphs, slowly."""
    before = site.service.model.script
    site.service.model.script = lambda messages: f"{_ANSWER} [1]"
    site.service.slow(0.03)
    yield site.service
    site.service.model.script = before


@pytest.mark.parametrize("format", ["Text", "Markdown"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_jumps_while_an_answer_is_written(browser, site, wordy, width, format):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    steps.open_page(page, site.url)
    if width > 900:
        steps.choose(page, "Format", format)
    steps.ask(page, "Which plants grow in shade?")
    steps.start_asking(page, "When do I prune a quince?")
    page.evaluate(_WATCH)
    steps.wait_for_answer(page)
    page.wait_for_timeout(1000)
    assert page.evaluate("window.__jumps") == []
    # The watch does see a jump.
    page.evaluate("document.querySelector('#talkbar').style.marginTop = '40px'")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.__jumps") != []
    page.context.close()


def test_the_page_takes_a_question_soon(browser, site):
    page = steps.new_page(browser)  # with nothing of it in the cache
    started = time.perf_counter()
    page.goto(site.url)
    steps.wait_until_ready(page)
    page.fill("#question textarea", "When do I prune a quince?")
    print(f"first page interactive after {time.perf_counter() - started:.2f} s")  # noqa: T201
    expect(page.locator("#question textarea")).to_have_value("When do I prune a quince?")
    page.context.close()
