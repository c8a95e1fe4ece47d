"""The advisor's page in headless Chromium: the recommendation, the questions with their answers, the downloads."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.steps import open_tab


@pytest.fixture
def advice(page):
    """The advisor's page."""
    open_tab(page, "Advisor")
    page.wait_for_selector("#advice-verdict .verdict")
    return page


def test_the_advice_is_shown_with_its_reasons(advice, watch):
    for part in ("Use hybrid: +30 points [+20, +40] against rag.", "overturns that", "per 1,000 answers",
                 "A change of the documents every day.", "icl 10% [5%, 15%]", "50 more records",
                 "hybrid: 60% [50%, 70%]"):  # fmt: skip
        expect(advice.locator("#advice")).to_contain_text(part, use_inner_text=True)
    assert advice.evaluate("window.__pwned") is None
    assert watch.errors == []


def test_an_answer_is_kept_and_weighed(advice, site):
    question = advice.locator(".advice-questions > li", has_text="Are there resources")
    question.get_by_role("button", name="No", exact=True).click()
    advice.wait_for_function("document.querySelector('#advice-verdict')?.innerText.includes('Do not fine-tune')")
    assert site.advice.said == {"resources": False}
    expect(question).to_contain_text("as answered", use_inner_text=True)
    expect(question.get_by_role("button", name="No", exact=True)).to_have_attribute("aria-pressed", "true")
    question.get_by_role("button", name="Leave open").click()
    advice.wait_for_function("document.querySelector('#advice-verdict')?.innerText.includes('Use hybrid')")
    assert site.advice.said == {}


def test_the_advice_is_downloaded_in_three_forms(advice, site):
    for name, kind in (("Markdown", "md"), ("HTML", "html"), ("JSON", "json")):
        with advice.expect_download() as download:
            advice.locator("#advice-downloads").get_by_role("link", name=name).click()
        assert download.value.suggested_filename == f"garden-advice.{kind}"
        assert download.value.path().read_text() == f"The advice as {kind}."
    assert advice.request.get(f"{site.url}/advice/advice.exe").status == 404


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    page.goto(site.url)
    open_tab(page, "Advisor")
    page.wait_for_selector("#advice-verdict .verdict")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
