"""The training page in headless Chromium: planned, started, followed, cancelled, resumed, published, activated."""

import pytest
from playwright.sync_api import expect

from core.errors import TrainError
from tests.browser import steps
from tests.fake_training import FakePlan


@pytest.fixture
def train(page):
    """The training page."""
    steps.open_tab(page, "Train")
    page.wait_for_selector("#adapters-list table")
    return page


def press(page, name):
    page.locator("#train").get_by_role("button", name=name, exact=True).click()


def says(page, part, text):
    page.wait_for_function(
        "([part, text]) => document.querySelector(part)?.innerText.includes(text)", arg=[f"#{part}", text]
    )


def plan(page):
    press(page, "Show the plan")
    page.wait_for_selector("#train-planned .plan")


def test_nothing_starts_before_its_plan_was_seen(train, site, watch):
    expect(train.locator("#train-start")).to_be_disabled()
    plan(train)
    for fact in (
        "about 7 minutes",
        "760 tokens a second",
        "2.7 GiB needed",
        "12.0 GiB free",
        "4,884,480 of 134,515,008",
    ):
        says(train, "train-planned", fact)
    train.wait_for_selector("#train-start:not([disabled])")
    press(train, "Start")
    says(train, "train-line", "You may close this page")
    says(train, "train-view", "Training")
    (choice,) = site.training.started
    assert (choice.method, choice.preset, choice.activate, choice.max_steps) == ("lora", "default", True, None)
    assert watch.errors == []
    assert watch.elsewhere == []


def test_memory_that_will_not_do_is_refused(train, site):
    site.training.planned = FakePlan(available=1.5)
    plan(train)
    says(train, "train-planned", "needs about 2.7 GiB, and 1.5 GiB are free")
    expect(train.locator("#train-start")).to_be_disabled()
    train.locator("#train-options > button").click()
    train.get_by_label("Start even if memory seems too small").check()
    train.wait_for_selector("#train-planned .plan", state="detached")
    plan(train)
    train.wait_for_selector("#train-start:not([disabled])")
    press(train, "Start")
    says(train, "train-line", "Started")
    assert site.training.started[0].ignore_memory


def test_too_few_steps_are_warned_of_and_may_be_had(train, site):
    site.training.planned = FakePlan(steps=2, likely_steps=2, few_steps=True)
    plan(train)
    says(train, "train-planned", "About 2 steps are too few to learn from")
    train.wait_for_selector("#train-start:not([disabled])")


def test_a_plan_is_of_one_choice_only(train, site):
    plan(train)
    train.locator("#train-options > button").click()
    steps_box = train.locator("#train-max_steps :is(input, textarea)")
    steps_box.fill("some")
    train.wait_for_selector("#train-start[disabled]")
    press(train, "Show the plan")
    says(train, "train-line", "max steps")
    steps_box.fill("4")
    plan(train)
    train.wait_for_selector("#train-start:not([disabled])")
    press(train, "Start")
    says(train, "train-line", "Started")
    assert site.training.started[0].max_steps == 4


def test_data_decides_the_methods_and_trouble_is_named(train):
    train.locator("#train-data").get_by_label("Better and worse answers").check(force=True)
    says(train, "train-about", "There are 5 of them.")
    says(train, "train-about", "prefer the better of two answers")
    train.locator("#train-data").get_by_label("Good and bad answers").check(force=True)
    says(train, "train-about", "preferences.jsonl:3 is no JSON")


def test_trouble_is_a_sentence(train, site):
    site.training.error = TrainError("domain 'garden' has no training examples")
    press(train, "Show the plan")
    says(train, "train-line", "has no training examples")
    expect(train.locator("#train-start")).to_be_disabled()


def test_a_training_is_followed_live_cancelled_and_resumed(train, site):
    site.training.running(40)
    train.wait_for_selector("#train-plots svg")
    expect(train.locator("#train-plots svg")).to_have_count(2)
    for fact in ("40 / 111", "742", "4 minutes"):
        says(train, "train-view", fact)
    first = train.locator("#train-plots polyline").first.get_attribute("points")
    site.training.running(60)
    says(train, "train-view", "60 / 111")
    expect(train.locator("#train-plots polyline").first).not_to_have_attribute("points", first)
    press(train, "Cancel")
    says(train, "train-view", "It can go on from where it was")
    press(train, "Go on")
    says(train, "train-view", "41 / 111")
    assert site.training.resumed == 1


def test_a_closed_browser_finds_the_training_again(browser, site):
    site.training.running(50)
    page = steps.new_page(browser)
    page.goto(site.url)
    steps.open_tab(page, "Train")
    page.wait_for_function("document.querySelector('#train-view')?.innerText.includes('50 / 111')")
    page.context.close()


def test_adapters_show_manifest_figures_and_the_comparison(train):
    row = train.locator("#adapters-list tr", has_text="garden@3f9c2a1b")
    expect(row).to_contain_text("in use", use_inner_text=True)
    expect(row).to_contain_text("62% fields exactly right", use_inner_text=True)
    row.get_by_role("button", name="Details").click()
    train.wait_for_selector("#train-adapter .opened")
    for fact in ("55% – 69%", "Yes: training and server agree.", "0.031 (allowed 0.12)", "187 of 187"):
        says(train, "train-adapter", fact)
    train.locator("#train-adapter summary").click()
    expect(train.locator("#train-adapter")).to_contain_text('"rank": 16', use_inner_text=True)
    train.locator("#train-adapter").get_by_role("button", name="Close").click()
    train.wait_for_selector("#train-adapter .opened", state="detached")


def test_an_adapter_is_used_and_rolled_back(train, site):
    train.locator("#adapters-list tr", has_text="00c0ffee").get_by_role("button", name="Use it").click()
    says(train, "train-line", "garden@00c0ffee is in use.")
    says(train, "train-adapter", "Yes: training and server agree.")
    press(train, "Back to the one before")
    says(train, "train-line", "garden@3f9c2a1b is in use.")
    assert next(one.name for one in site.training.published if one.active) == "garden@3f9c2a1b"


def test_an_adapter_that_answers_otherwise_is_used_only_on_purpose(train, site):
    site.training.disagrees = True
    train.locator("#adapters-list tr", has_text="00c0ffee").get_by_role("button", name="Use it").click()
    says(train, "train-line", "answers otherwise")
    says(train, "train-adapter", "No: training and server disagree.")
    assert site.training.published[0].active
    press(train, "Use it all the same")
    says(train, "train-line", "garden@00c0ffee is in use.")
    says(train, "train-adapter", "all the same")


def test_a_finished_run_is_published(train, site):
    train.locator("#train-runs summary").click()
    expect(train.locator("#train-runs")).to_contain_text("not finished", use_inner_text=True)
    train.locator("#train-runs").get_by_role("button", name="Publish").click()
    says(train, "adapters-list", "garden@bbbb0000")
    assert site.training.finished[1].adapter == "garden@bbbb0000"


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    site.training.running(40)
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    page.goto(site.url)
    steps.open_tab(page, "Train")
    page.wait_for_selector("#train-plots svg")
    page.locator("#adapters-list").get_by_role("button", name="Details").first.click()
    page.wait_for_selector("#train-adapter .opened")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
