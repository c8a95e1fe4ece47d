"""The examples' page in headless Chromium: filtered, edited, added, deleted, reviewed, checked."""

import json
import re

import pytest
from playwright.sync_api import expect

from core.errors import IndexMismatchError
from core.example_lines import line_of, rows_of
from tests.browser import steps
from tests.fake_examples import quince


@pytest.fixture
def examples(page):
    """The examples' page."""
    steps.open_tab(page, "Examples")
    page.wait_for_selector("#examples-list table")
    return page


def questions(page):
    """Questions in the table."""
    return [text.split("\n")[0] for text in page.locator("#examples-list tbody th").all_inner_texts()]


def wait_rows(page, count):
    page.wait_for_function(f"document.querySelectorAll('#examples-list tbody tr').length === {count}")


def edit(page, text, action="Edit"):
    """Open the row that holds the text."""
    page.locator("#examples-list tr", has_text=text).get_by_role("button", name=action).first.click()
    page.wait_for_selector("#curate-editor", state="visible")


def field(page, part):
    return page.locator(f"#{part} :is(input, textarea)").first


def fill(page, part, text):
    field(page, part).fill(text)


def press(page, name):
    page.locator("#curate").get_by_role("button", name=name, exact=True).click()


def line(page, text):
    page.wait_for_function("text => document.querySelector('#curate-line')?.innerText.includes(text)", arg=text)


def pick(page, label, option):
    """Choose in a dropdown of the filters."""
    page.locator("#curate-side").get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_examples_are_listed_and_filtered(examples, watch):
    wait_rows(examples, 6)
    assert "cannot" not in questions(examples)[0]
    expect(examples.locator("#examples-list tr.rejected")).to_have_text(re.compile("^Line 6"))
    pick(examples, "Format", "JSON")
    wait_rows(examples, 1)
    assert questions(examples) == ["Quince, as JSON?"]
    pick(examples, "Format", "All")
    pick(examples, "Tag", "kind:when")
    wait_rows(examples, 2)
    pick(examples, "Tag", "All")
    pick(examples, "Answer", "Documents do not")
    wait_rows(examples, 1)
    assert questions(examples) == ["Does the tulip bite?"]
    pick(examples, "Answer", "All")
    fill(examples, "curate-words", "growth STARTS")
    wait_rows(examples, 2)
    fill(examples, "curate-words", "no such thing")
    examples.wait_for_selector("#examples-list .empty")
    assert watch.errors == []


def test_what_examples_hold_does_not_run(examples, watch):
    edit(examples, "window.__pwned")
    examples.wait_for_timeout(300)
    assert examples.evaluate("window.__pwned") is None
    expect(examples.locator("#examples-list img, #curate-editor img")).to_have_count(0)
    assert watch.elsewhere == []


def test_an_example_is_changed_only_when_its_quote_stands_in_the_document(examples, site):
    edit(examples, "When do I prune a quince?")
    expect(field(examples, "example-answer")).to_have_value("In February, before growth starts.")
    fill(examples, "example-quote-0", "nowhere")
    press(examples, "Save")
    examples.wait_for_selector("#example-findings .badge.bad")
    expect(examples.locator("#example-findings")).to_contain_text("is not in shrubs/quince.md", use_inner_text=True)
    assert line_of(quince()) == site.examples.train[0]
    fill(examples, "example-quote-0", "vague")
    press(examples, "Save")
    examples.wait_for_selector("#example-findings .badge.warn")
    assert line_of(quince()) == site.examples.train[0]
    press(examples, "Save all the same")
    line(examples, "Saved as line 1.")
    examples.wait_for_selector("#curate-editor", state="hidden")
    saved = json.loads(site.examples.train[0])
    assert saved == {**json.loads(line_of(quince())), "evidence": [{"source": "shrubs/quince.md", "quote": "vague"}]}


@pytest.mark.parametrize(("row", "wrong"), [("Quince, as JSON?", '{"plant": 7}'), ("Sage, as YAML?", "plant: [")])
def test_structured_answers_are_edited_in_their_format_and_held_to_their_schema(examples, site, row, wrong):
    before = list(site.examples.train)
    edit(examples, row)
    expect(field(examples, "example-answer")).not_to_have_value("")
    right = field(examples, "example-answer").input_value()
    fill(examples, "example-answer", wrong)
    press(examples, "Save")
    examples.wait_for_selector("#example-findings .trouble")
    assert site.examples.train == before
    fill(examples, "example-answer", right)
    press(examples, "Save")
    line(examples, "Saved as line")
    assert site.examples.train == before


def test_an_example_is_added(examples, site):
    press(examples, "Add an example")
    examples.wait_for_selector("#curate-editor", state="visible")
    press(examples, "Save")
    examples.wait_for_selector("#example-findings .trouble")
    fill(examples, "example-question", "How much sun does sage want?")
    fill(examples, "example-answer", "Full sun.")
    fill(examples, "example-quote-0", "Sage wants full sun and dry soil.")
    press(examples, "Save")
    examples.wait_for_function("document.querySelector('#example-findings')?.innerText.includes('belong together')")
    fill(examples, "example-source-0", "herbs/sage.md")
    examples.keyboard.press("Tab")
    press(examples, "Check")
    examples.wait_for_selector("#example-findings .fine")
    press(examples, "Save")
    line(examples, "Saved as line 7.")
    new = rows_of(site.examples.train)[-1].example
    assert new.id.startswith("own-")
    assert new.evidence[0].source == "herbs/sage.md"


def test_what_the_documents_do_not_hold_needs_no_answer(examples, site):
    edit(examples, "When do I prune a quince?")
    examples.get_by_label("The documents hold the answer").uncheck()
    examples.wait_for_selector("#example-answer", state="hidden")
    press(examples, "Save")
    line(examples, "Saved")
    saved = rows_of(site.examples.train)[0].example
    assert (saved.answerable, saved.evidence) == (False, ())


def test_the_second_of_two_editors_is_told_and_keeps_what_was_typed(examples, site):
    edit(examples, "When do I prune a quince?")
    site.examples.train[0] = line_of(quince(answer="Theirs."))
    fill(examples, "example-answer", "Mine.")
    press(examples, "Save")
    examples.wait_for_function("document.querySelector('#example-findings')?.innerText.includes('somebody else')")
    expect(field(examples, "example-answer")).to_have_value("Mine.")
    assert "Theirs." in site.examples.train[0]


def test_a_broken_line_is_mended_and_an_example_deleted(examples, site):
    edit(examples, "Line 6")
    expect(field(examples, "example-raw")).to_have_value("{broken")
    press(examples, "Save")
    examples.wait_for_selector("#example-findings .trouble")
    fill(examples, "example-raw", line_of(quince(id="mended", question="Mended?")))
    press(examples, "Save")
    line(examples, "Saved as line 6.")
    edit(examples, "Mended?")
    examples.once("dialog", lambda dialog: dialog.accept())
    press(examples, "Delete")
    line(examples, "Deleted.")
    assert len(site.examples.train) == 5


def test_the_test_set_is_read_only(examples, site):
    examples.locator("#curate-split").get_by_label("Test set").check(force=True)
    wait_rows(examples, 1)
    expect(examples.locator("#examples-list")).to_contain_text("frozen by the first lab run", use_inner_text=True)
    edit(examples, "Which month", "Read")
    expect(examples.locator("#example-head")).to_contain_text("read only", use_inner_text=True)
    for part in ("#example-fields", "#example-save", "#example-raw"):
        expect(examples.locator(part)).to_be_hidden()
    expect(examples.locator("#example-head button")).to_have_count(0)


def review(page):
    page.locator("#curate-mode").get_by_label("To review").check(force=True)
    page.wait_for_function("document.querySelector('#examples-list')?.innerText.includes('waiting')")


def test_candidates_are_accepted_edited_rejected_and_put_back(examples, site):
    review(examples)
    wait_rows(examples, 2)
    assert questions(examples) == ["When do I prune a rose?", "When do I prune a fern?"]
    edit(examples, "rose", "Decide")
    expect(examples.locator("#example-head")).to_contain_text("a user's correction", use_inner_text=True)
    fill(examples, "example-answer", "In March, dear.")
    press(examples, "Accept")
    line(examples, "Accepted")
    assert json.loads(site.examples.train[-1])["answer"] == "In March, dear."
    assert site.examples.waiting[0].status == "accepted"
    edit(examples, "fern", "Decide")
    press(examples, "Reject")
    line(examples, "Rejected")
    assert site.examples.waiting[1].status == "rejected"
    examples.locator("#curate-status").get_by_label("Rejected").check(force=True)
    wait_rows(examples, 1)
    edit(examples, "fern", "Look")
    expect(examples.locator("#example-save")).to_be_hidden()
    press(examples, "Let it wait again")
    line(examples, "waits for review")
    assert site.examples.waiting[1].status == "pending"


def test_what_users_said_is_brought_in(examples):
    review(examples)
    press(examples, "Bring in what users said")
    line(examples, "1 correction is new.")
    wait_rows(examples, 3)
    expect(examples.locator("#curate-line")).to_contain_text("2 ask test questions", use_inner_text=True)


def test_checks_list_what_they_find_and_lead_there(examples):
    examples.locator("#curate-mode").get_by_label("Checks").check(force=True)
    press(examples, "Check all examples")
    examples.wait_for_selector("#examples-list .findings li")
    text = examples.inner_text("#examples-list")
    assert "1 error, 2 warnings" in text
    assert "Not checked: lengths" in text
    examples.get_by_role("button", name="train.jsonl:6").click()
    examples.wait_for_selector("#curate-editor", state="visible")
    expect(field(examples, "example-raw")).to_have_value("{broken")


def test_trouble_is_a_sentence(examples, site):
    site.examples.error = IndexMismatchError("the index is of another Graft: run graft ingest")
    press(examples, "Add an example")
    fill(examples, "curate-words", "x")
    examples.wait_for_selector("#curate-line .trouble")
    expect(examples.locator("#curate-line")).to_contain_text("run graft ingest", use_inner_text=True)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    page.goto(site.url)
    steps.open_tab(page, "Examples")
    page.wait_for_selector("#examples-list table")
    edit(page, "Quince, as JSON?")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The form is longer than the window: it goes on below itself, not beside itself.
    editor = page.locator("#curate-editor").bounding_box()
    for part in ("#example-fields", "#example-question", "#example-save"):
        box = page.locator(part).bounding_box()
        assert box["x"] + box["width"] <= editor["x"] + editor["width"], part
    page.context.close()
