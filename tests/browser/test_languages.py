"""The page in the language of its reader: by the browser, by the switch, remembered, with nothing left in English."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps

# Words that a Chinese page keeps: the pack's own, names of formats and files, the fake's.
_WORDS = """() => {
    const shown = (element) => element.checkVisibility({ visibilityProperty: true });
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.parentElement.closest("script, style") && shown(node.parentElement)) found.add(node.data.trim());
    }
    for (const element of document.querySelectorAll("[title], [placeholder], [aria-label]")) {
        if (!shown(element)) continue;
        for (const name of ["title", "placeholder", "aria-label"]) found.add(element.getAttribute(name) ?? "");
    }
    return [...found];
}"""


@pytest.fixture
def chinese(browser, site):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    opened = context.new_page()
    opened.set_default_timeout(steps.PATIENCE_MS)
    steps.open_page(opened, site.url)
    yield opened
    context.close()


def test_the_browsers_language_is_spoken(chinese, site):
    assert chinese.url == f"{site.url}/zh/"
    assert chinese.evaluate("document.documentElement.lang") == "zh-CN"
    expect(chinese.locator("#send")).to_have_text("发送")
    chinese.locator("#format label").filter(has_text="JSON").locator("input").check(force=True)
    steps.ask(chinese, "How is quince pruned?")
    assert "JSON 有效" in steps.badge(chinese)
    expect(chinese.locator("#line .line")).to_contain_text("个段落")


def test_the_switch_is_remembered(chinese, site):
    chinese.get_by_role("link", name="English").click()
    chinese.wait_for_selector("#status .cell")
    expect(chinese.locator("#send")).to_have_text("Send")
    steps.open_page(chinese, site.url)
    expect(chinese.locator("#send")).to_have_text("Send")
    assert chinese.evaluate("navigator.language") == "en"


def test_nothing_of_the_chat_is_left_in_english(chinese):
    steps.ask(chinese, "When do I prune a quince?")
    own = {"How much sun does sage want?", "Which plants grow in shade?", "When do I prune a quince?"}
    chat = (
        "Send",
        "Stop",
        "Conversations",
        "Sources",
        "Copy",
        "Edit",
        "Retry",
        "Undo",
        "Documents",
        "Settings",
        "Model",
    )
    assert not {word for word in chinese.evaluate(_WORDS) if word in chat} - own


def test_settings_stay_in_sight_on_a_low_window(page):
    page.set_viewport_size({"width": 1440, "height": 680})
    steps.choose(page, "Format", "JSON")
    steps.ask(page, "How is quince pruned?")
    side, settings = (page.locator(name).bounding_box() for name in ("#side", "#settings"))
    assert settings["x"] == side["x"]
