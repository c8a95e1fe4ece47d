"""Thumbs, reasons and the right answer, given in headless Chromium and kept with what is needed to learn from them."""

import re

import pytest
from playwright.sync_api import expect

from core.feedback_store import FeedbackStore
from tests.browser import steps


@pytest.fixture
def ratings(site):
    """Ratings that were kept during this test."""
    store = FeedbackStore(site.users, "garden")
    before = {rating.id for rating in store.ratings()}
    return lambda: [rating for rating in store.ratings() if rating.id not in before]


def pressed(page, name):
    """Wait until the button under the last answer is pressed."""
    page.wait_for_selector(f"#conversation .answer >> nth=-1 >> button[aria-pressed=true]:text-is('{name}')")


def thumb(page, name):
    """The thumb under the last answer."""
    return page.get_by_role("button", name=name).last


def test_a_thumb_is_kept_at_once_and_can_be_taken_back(page, ratings):
    steps.ask(page, "When do I prune a quince?")
    thumb(page, "Good answer").click()
    page.wait_for_selector(".rate-answer.up[aria-pressed=true]")
    (kept,) = ratings()
    assert kept.verdict == "up"
    assert kept.turn.question.text == "When do I prune a quince?"
    assert kept.turn.answer.passages[0].source == "shrubs/quince.md"
    expect(page.locator("#rating")).to_be_hidden()
    thumb(page, "Good answer").click()
    page.wait_for_selector(".rate-answer.up[aria-pressed=false]")
    assert ratings() == []


def test_reasons_and_the_right_answer(page, site, ratings):
    steps.ask(page, "When do I prune a quince?")
    thumb(page, "Bad answer").click()
    page.wait_for_selector("#rating", state="visible")
    page.get_by_label("It is wrong").check()
    page.get_by_label("Remark").fill("It says so in the leaflet.")
    expect(page.get_by_label("The right answer")).to_have_value(re.compile("^Prune quince in February"))
    page.get_by_label("The right answer").fill("In March. [1]")
    page.get_by_role("button", name="Save").click()
    pressed(page, "Corrected")
    page.wait_for_selector("#rating", state="hidden")
    (kept,) = ratings()
    assert (kept.verdict, kept.reasons, kept.comment) == ("down", ("wrong",), "It says so in the leaflet.")
    assert kept.correction.answer == "In March. [1]"
    # It is there again after a reload, in the conversation that it belongs to.
    steps.open_page(page, site.url)
    page.get_by_role("radio", name="When do I prune a quince?").check(force=True)
    pressed(page, "Corrected")
    page.get_by_role("button", name="Corrected").click()
    page.wait_for_selector("#rating", state="visible")
    expect(page.get_by_label("The right answer")).to_have_value("In March. [1]")
    expect(page.get_by_label("It is wrong")).to_be_checked()
    expect(page.get_by_label("Remark")).to_have_value("It says so in the leaflet.")


def test_a_correction_of_json_has_to_have_the_shape(page, ratings):
    steps.choose(page, "Format", "JSON")
    steps.choose(page, "Shape of the answer", "Plant care")
    steps.ask(page, "How is quince pruned?")
    page.get_by_role("button", name="Correct", exact=True).click()
    page.wait_for_selector("#rating", state="visible")
    page.get_by_label("The right answer").fill('{"plant": 7}')
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("#rating-problem .trouble")
    expect(page.locator("#rating-problem")).to_contain_text("shape of the answer", use_inner_text=True)
    assert ratings() == []
    page.get_by_label("The right answer").fill('{"plant": "quince", "prune": "March", "sun": true}')
    page.get_by_role("button", name="Save").click()
    pressed(page, "Corrected")
    assert ratings()[0].correction.answer == {"plant": "quince", "prune": "March", "sun": True}


def test_not_in_the_documents_is_an_answer(page, ratings):
    steps.ask(page, "When do I prune a quince?")
    page.get_by_role("button", name="Correct", exact=True).click()
    page.get_by_label("The documents do not hold the answer").check()
    page.get_by_role("button", name="Save").click()
    pressed(page, "Corrected")
    assert not ratings()[0].correction.answerable


def test_the_form_goes_with_its_conversation(page):
    steps.ask(page, "When do I prune a quince?")
    page.get_by_role("button", name="Correct", exact=True).click()
    page.wait_for_selector("#rating", state="visible")
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector("#rating", state="hidden")


def test_the_form_is_labelled_and_the_keyboard_works_it(page):
    steps.ask(page, "When do I prune a quince?")
    thumb(page, "Bad answer").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#rating", state="visible")
    page.get_by_label("It is wrong").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("It is wrong")).to_be_checked()
    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#rating", state="hidden")
