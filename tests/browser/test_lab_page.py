"""The lab's page in headless Chromium: started, followed, cancelled, read in its frame, compared, misses collected."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.steps import open_tab
from tests.fake_lab import NEW, OLD


@pytest.fixture
def lab(page):
    """The lab's page."""
    open_tab(page, "Lab")
    page.wait_for_selector("#lab-runs table")
    return page


def test_a_lab_is_started_followed_cancelled_and_goes_on(lab, site, watch):
    expect(lab.get_by_label("Documents", exact=True)).to_be_checked()
    expect(lab.locator("#lab-arms")).to_contain_text("there is no adapter in use yet", use_inner_text=True)
    lab.get_by_label("All 60 questions").uncheck()
    lab.get_by_label("How many questions").fill("12")
    lab.get_by_label("Check that passages are read").check()
    lab.get_by_role("button", name="Start", exact=True).click()
    lab.wait_for_selector("#lab-running .running")
    wish = site.lab.wishes[0]
    assert (wish.arms, wish.questions, wish.seed, wish.controls) == (["base", "rag"], 12, 11, True)
    expect(lab.locator("#lab-running")).to_contain_text("25% · 4 minutes left", use_inner_text=True)
    expect(lab.locator("#lab-start")).to_be_disabled()
    site.lab.change(share=0.75, seconds_left=30)
    lab.wait_for_function("document.querySelector('#lab-running')?.innerText.includes('75% · 30 seconds left')")
    lab.once("dialog", lambda dialog: dialog.accept())
    lab.locator("#lab-running").get_by_role("button", name="Cancel").click()
    lab.get_by_role("button", name="Go on").click()
    lab.wait_for_selector("#lab-running .running")
    site.lab.row = None
    lab.wait_for_selector("#lab-running .running", state="detached")
    expect(lab.locator("#lab-start")).to_be_enabled()
    assert watch.errors == []


def test_a_lab_goes_on_showing_after_the_page_is_opened_anew(lab, site):
    lab.get_by_role("button", name="Start", exact=True).click()
    lab.wait_for_selector("#lab-running .running")
    lab.reload()
    open_tab(lab, "Lab")
    lab.wait_for_selector("#lab-running .running")


def test_the_report_shows_inside_the_page_and_nothing_in_it_runs(lab, watch):
    lab.locator("#lab-runs tbody tr").first.get_by_role("button", name="Report").click()
    frame = lab.frame_locator("#lab-report iframe")
    frame.locator("h1").wait_for()
    expect(frame.locator("h1")).to_have_text("The arms compared")
    assert frame.locator("h1").evaluate("heading => getComputedStyle(heading).color") == "rgb(1, 2, 3)"
    box = lab.locator("#lab-report iframe").bounding_box()
    assert box["height"] > 400
    assert box["width"] > 600
    assert lab.evaluate("window.__pwned") is None
    lab.get_by_role("button", name="Close").click()
    lab.wait_for_selector("#lab-report iframe", state="detached")
    assert [url for url in watch.elsewhere if "example.invalid" not in url] == []


def test_two_labs_are_compared(lab):
    lab.get_by_role("button", name="Compare", exact=True).click()
    lab.wait_for_selector("#lab-comparison table")
    for part in ("1 figure has clearly become worse.", "−10.0 [−15.0, −5.0]", "In one of them only: Examples only."):
        expect(lab.locator("#lab-comparison")).to_contain_text(part, use_inner_text=True)


def test_misses_are_shown_by_class_and_turned_into_examples(lab, site):
    lab.locator("#lab-runs tbody tr").first.get_by_role("button", name="Misses").click()
    lab.wait_for_selector("#lab-misses .classes")
    expect(lab.locator("#lab-misses")).to_contain_text("5 misses of 60 questions", use_inner_text=True)
    expect(lab.locator("#lab-misses .misses li")).to_have_count(5)
    lab.locator("#lab-misses").get_by_role("button", name="Wrong place in the passage").click()
    lab.wait_for_function("document.querySelectorAll('#lab-misses .misses li').length === 2")
    lab.locator("#lab-misses .misses summary").first.click()
    assert "<script>window.__pwned=1</script>" in lab.inner_text("#lab-misses")
    assert lab.evaluate("window.__pwned") is None
    lab.get_by_label("How many examples").fill("4")
    lab.get_by_role("button", name="Write examples near these misses").click()
    lab.wait_for_function("document.querySelector('#lab-collecting')?.innerText.includes('4 wait for review')")
    assert site.lab.collected == [(NEW, "rag", "wrong_field", 4)]


def test_what_cannot_be_started_is_said(lab, site):
    for name in ("Documents", "Plain model"):
        lab.get_by_label(name, exact=True).uncheck()
    lab.get_by_role("button", name="Start", exact=True).click()
    lab.wait_for_function("document.querySelector('#lab-line')?.innerText.includes('at least one')")
    assert site.lab.wishes == []


def test_reports_are_files_with_a_policy_of_their_own(lab, site):
    answer = lab.request.get(f"{site.url}/lab-reports/{OLD}/report.html", headers={"accept": "text/html"})
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert lab.request.get(f"{site.url}/lab-reports/..%2Fusers/report.html").status == 404


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    page.goto(site.url)
    open_tab(page, "Lab")
    page.locator("#lab-runs").get_by_role("button", name="Misses").first.click()
    page.wait_for_selector("#lab-misses .classes")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_selector("#lab-comparison table")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
