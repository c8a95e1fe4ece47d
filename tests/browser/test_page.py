"""The chat page in headless Chromium, over the real pipeline with a scripted model."""

import dataclasses

import httpx
import pytest
from playwright.sync_api import expect

from core.errors import ModelDownError, ServeError
from core.service import PartStatus, TrainingStatus
from tests.browser import steps


def test_answer_streams_and_cites_its_source(page, site, watch):
    site.service.slow(0.05)
    steps.start_asking(page, "When do I prune a quince?")
    page.wait_for_selector("#conversation .answer.running .plain")
    partial = steps.answer_text(page)
    steps.wait_for_answer(page)
    whole = steps.answer_text(page)
    assert whole == "Prune quince in February, before growth starts; __never__ in *winter*."
    assert len(partial) < len(whole), "the answer appeared in one piece"
    found = steps.sources(page)
    assert found[0]["cited"]
    assert found[0]["file"] == "shrubs/quince.md"
    assert found[0]["locator"] == "Shrubs › Quince › Pruning"
    assert found[0]["quote"] == "Prune quince in February, before growth starts."
    assert found[0]["quote"] in found[0]["text"]
    assert [source["cited"] for source in found[1:]] == [False] * len(found[1:])
    line = steps.status_line(page)
    assert f"{len(found)} passages in" in line
    assert "812 tokens read, 11 written" in line
    assert watch.elsewhere == []
    assert watch.errors == []


def test_mark_leads_to_the_source_of_its_own_turn(page):
    steps.ask(page, "When do I prune a quince?")
    steps.ask(page, "Which plants grow in shade?")
    assert steps.sources(page)[0]["file"] == "herbs/woodruff.md"
    page.click("#conversation .answer >> nth=0 >> a.mark")
    assert steps.sources(page)[0]["file"] == "shrubs/quince.md"
    assert page.evaluate("document.activeElement.closest('.source').id") == "source-0-1"


def test_stop_ends_the_generation_and_keeps_the_text(page, site):
    site.service.slow(0.02)
    steps.start_asking(page, "Tell an endless story about sage")
    page.wait_for_function("document.querySelector('.answer.running .plain')?.textContent.includes('word3')")
    steps.stop(page)
    assert site.service.wait_for("cancelled")
    assert "finished" not in site.service.log
    assert steps.answer_text(page).startswith("word0 word1 word2 word3")
    assert "Stopped" in steps.badge(page)
    site.service.slow(0)
    assert steps.ask(page, "Which plants grow in shade?") == "Woodruff grows in shade under trees."


def test_new_conversation_during_an_answer(page, site):
    site.service.slow(0.02)
    steps.start_asking(page, "Tell an endless story about sage")
    page.wait_for_selector("#conversation .answer.running .plain")
    page.get_by_role("button", name="New conversation").click()
    assert site.service.wait_for("cancelled")
    page.wait_for_selector("#conversation .example")
    page.wait_for_timeout(300)
    expect(page.locator("#conversation .answer")).to_have_count(0)
    expect(page.locator("#send")).to_be_visible()


def test_leaving_the_page_ends_the_generation(page, site):
    site.service.slow(0.05)
    steps.start_asking(page, "Tell an endless story about sage")
    page.wait_for_selector("#conversation .answer.running .plain")
    page.goto("about:blank")
    assert site.service.wait_for("cancelled")


def test_second_question_during_an_answer_waits(page, site):
    site.service.slow(0.02)
    steps.start_asking(page, "Tell an endless story about sage")
    page.fill("#question textarea", "And now?")
    page.press("#question textarea", "Enter")
    page.wait_for_timeout(500)
    expect(page.locator("#question textarea")).to_have_value("And now?")
    assert len(site.service.asked) == 1
    steps.stop(page)


@pytest.mark.parametrize(("format", "first"), [("JSON", '{\n  "plant": "quince"'), ("YAML", "plant: quince\nprune:")])
def test_structured_answer_is_code_with_a_badge(page, format, first):
    expect(page.locator("#schema")).to_be_hidden()
    steps.choose(page, "Format", format)
    page.wait_for_selector("#schema", state="visible")
    steps.choose(page, "Shape of the answer", "Plant care")
    text = steps.ask(page, "How is quince pruned?")
    assert text.startswith(first)
    expect(page.locator("#conversation .answer pre.code")).to_have_count(1)
    assert steps.badge(page) == f"Valid {format}: care"


def test_wrong_shape_is_said(page):
    steps.choose(page, "Format", "JSON")
    page.wait_for_selector("#constrained", state="visible")
    steps.choose(page, "Guarantee the shape", "off")
    steps.ask(page, "How is quince pruned, in a wrong shape?")
    assert steps.badge(page) == "JSON of the wrong shape"


def test_guaranteed_shape_decodes_under_the_schema(page, site):
    steps.choose(page, "Format", "JSON")
    steps.ask(page, "How is quince pruned?")
    assert site.service.asked[-1].arm.name == "rag+schema"
    assert site.service.asked[-1].arm.constrained


def test_markdown_is_drawn(page):
    steps.choose(page, "Format", "Markdown")
    steps.ask(page, "How is quince pruned?")
    answer = page.locator("#conversation .answer")
    expect(answer.locator("h2")).to_have_text("Quince")
    expect(answer.locator("td")).to_have_text(["quince", "February"])
    expect(answer.locator("pre")).to_have_text("prune(quince, month=2)")


def test_error_is_a_sentence_with_a_remedy(page, site):
    site.service.error = ServeError("vLLM has stopped; start it again with graft up")
    steps.ask(page, "When do I prune a quince?")
    assert steps.error_text(page) == "No answer. vLLM has stopped; start it again with graft up"
    site.service.error = None
    page.get_by_role("button", name="Retry").click()
    page.wait_for_selector("#conversation .answer:not(.failed):not(.running)")
    assert steps.answer_text(page).startswith("Prune quince")


def test_while_the_model_is_down_the_passages_are_shown_and_labelled(page, site):
    def no_model(_name):
        raise ModelDownError("the language model does not answer: it restarts")

    whole = site.service.pipeline
    site.service.pipeline = dataclasses.replace(whole, model_for=no_model)
    try:
        text = steps.ask(page, "When do I prune a quince?")
    finally:
        site.service.pipeline = whole
    assert text.startswith("The model is not running. These passages of the documents fit your question:")
    assert "Prune quince in February" in text
    assert steps.badge(page) == "Passages only: the model is not running"
    assert steps.sources(page)[0]["file"] == "shrubs/quince.md"


def test_unexpected_error_shows_no_trace(page, site):
    site.service.error = ZeroDivisionError("division by zero in secret_module.py")
    steps.ask(page, "When do I prune a quince?")
    assert "Something went wrong inside Graft" in steps.error_text(page)
    assert "secret_module" not in page.content()


@pytest.mark.parametrize("format", ["Text", "Markdown"])
def test_payload_in_document_question_and_answer_does_not_run(page, watch, format):
    steps.choose(page, "Format", format)
    steps.ask(page, "What does the poisoned passage say? <img src=x onerror='window.__pwned=1'>")
    found = steps.sources(page)
    assert "<script>window.__pwned=1</script>" in found[0]["text"]
    assert "<img src=x" in found[0]["locator"]
    assert "<script>window.__pwned=1</script> ${window.__pwned=1} {{ constructor }}" in steps.answer_text(page)
    page.wait_for_timeout(300)
    assert page.evaluate("window.__pwned") is None
    expect(page.locator("#conversation .answer img, #sources img, #conversation .user img")).to_have_count(0)
    assert watch.elsewhere == []


def test_policy_blocks_what_gets_past_the_escaping(page, watch):
    page.evaluate(
        """() => {
            const hole = document.createElement('div');
            hole.innerHTML = '<img src="https://example.invalid/spy.png" onerror="window.__pwned = 1">';
            document.body.append(hole);
            const script = document.createElement('script');
            script.textContent = 'window.__pwned = 2';
            document.body.append(script);
        }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.__pwned") is None
    assert any("Content Security Policy" in error for error in watch.errors)


def test_two_users_do_not_meet(browser, page, site):
    other = steps.new_page(browser)
    steps.open_page(other, site.url)
    site.service.slow(0.02)
    steps.start_asking(page, "When do I prune a quince?")
    steps.start_asking(other, "Which plants grow in shade?")
    steps.wait_for_answer(page)
    steps.wait_for_answer(other)
    assert "quince" in steps.answer_text(page)
    assert "Woodruff" in steps.answer_text(other)
    assert page.locator("#conversation .answer").count() == other.locator("#conversation .answer").count() == 1
    other.context.close()


def test_starting_says_why_and_opens_by_itself(browser, site):
    state = site.service.state
    starting = {"model": PartStatus(state="starting", detail="loading"), "corpus": PartStatus(state="ready")}
    site.service.state = state.model_copy(update={**starting, "loading": "garden@3f9c2a1b"})
    page = steps.new_page(browser)
    steps.open_page(page, site.url)
    page.wait_for_selector("#send[disabled]")
    expect(page.locator("#status")).to_contain_text("garden@3f9c2a1b, loading")
    page.wait_for_function("document.querySelector('#line')?.innerText.includes('The model is starting')")
    page.fill("#question textarea", "When do I prune a quince?")
    page.press("#question textarea", "Enter")
    page.wait_for_timeout(300)
    expect(page.locator("#question textarea")).to_have_value("When do I prune a quince?")
    assert site.service.asked == []
    site.service.state = state
    steps.wait_until_ready(page)
    assert steps.ask(page, "When do I prune a quince?").startswith("Prune quince")
    page.context.close()


def test_adapter_joins_without_reload_or_jump(page, site):
    assert steps.choices(page, "How to answer") == ["Documents", "Plain model"]
    training = TrainingStatus(state="training", progress=0.42, loss=1.234, seconds_left=260)
    site.service.state = site.service.state.model_copy(update={"training": training})
    page.wait_for_function("document.querySelector('#status')?.innerText.includes('training 42%')")
    expect(page.locator("#status")).to_contain_text("4 min left, loss 1.23", use_inner_text=True)
    before = page.locator("#conversation").bounding_box()
    site.service.publish("garden@3f9c2a1b")
    page.wait_for_function("document.querySelector('#status')?.innerText.includes('garden@3f9c2a1b')")
    page.wait_for_function("document.querySelector('#arm input')?.value === 'Documents + trained style'")
    assert page.locator("#conversation").bounding_box() == before
    steps.ask(page, "When do I prune a quince?")
    expect(page.locator("#conversation .answer .how")).to_contain_text("garden@3f9c2a1b", use_inner_text=True)


def test_chosen_arm_stays_when_an_adapter_joins(page, site):
    steps.choose(page, "How to answer", "Plain model")
    site.service.publish("garden@3f9c2a1b")
    page.wait_for_function("document.querySelector('#status')?.innerText.includes('garden@3f9c2a1b')")
    assert "Trained style only" in steps.choices(page, "How to answer")
    assert steps.chosen(page, "How to answer") == "Plain model"
    steps.ask(page, "When do I prune a quince?")
    assert site.service.asked[-1].arm.name == "base"
    expect(page.locator("#sources .sources.current")).to_contain_text("uses no documents", use_inner_text=True)


def test_undo_and_new_conversation(page):
    steps.ask(page, "When do I prune a quince?")
    steps.ask(page, "Which plants grow in shade?")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("document.querySelectorAll('#conversation .answer').length === 1")
    expect(page.locator("#question textarea")).to_have_value("Which plants grow in shade?")
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector("#conversation .example")
    expect(page.locator("#question textarea")).to_have_value("")
    assert steps.sources(page) == []


def test_sample_question_is_asked(page):
    page.click("#conversation .example >> nth=0")
    steps.wait_for_answer(page)
    assert steps.answer_text(page).startswith("Prune quince")


def test_follow_up_is_asked_with_its_history(page, site):
    steps.ask(page, "When do I prune a quince?")
    steps.ask(page, "And in shade?")
    assert site.service.asked[-1].history == ("When do I prune a quince?",)


def test_copy_gives_the_answer_without_marks(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    steps.choose(page, "Format", "YAML")
    steps.ask(page, "How is quince pruned?")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "plant: quince\nprune: February\nsun: true"


def test_everything_has_a_name_and_the_keyboard_reaches_it(page):
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, [role=combobox]')]
            .filter((element) => element.checkVisibility())
            .filter((element) => !(element.getAttribute('aria-label') || element.title || element.innerText?.trim()
                || element.labels?.[0]?.innerText?.trim()))
            .map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    steps.ask(page, "When do I prune a quince?")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.innerText || document.activeElement.tagName"))
    assert {"Send", "New conversation", "Copy", "Persona"} <= reached
    expect(page.locator("#conversation [data-testid=bot]")).to_have_attribute("aria-label", "Answer")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width, scheme):
    page = steps.new_page(browser, viewport={"width": width, "height": 844}, color_scheme=scheme)
    steps.open_page(page, site.url)
    steps.ask(page, "What does the poisoned passage say? " + "x" * 300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in page.locator("#conversation .plain, #sources .source").all():
        place = box.bounding_box()
        if place is not None:
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= width
    page.context.close()


@pytest.mark.parametrize(
    ("options", "focused"),
    [
        ({"viewport": {"width": 1440, "height": 900}}, True),
        ({"viewport": {"width": 390, "height": 844}}, False),
        ({"viewport": {"width": 1024, "height": 768}, "has_touch": True, "is_mobile": True}, False),
    ],
)
def test_it_opens_at_its_top_and_takes_the_keyboard_where_that_is_of_use(browser, site, options, focused):
    page = steps.new_page(browser, **options)
    steps.open_page(page, site.url)
    steps.wait_until_ready(page)
    if focused:
        expect(page.locator("#question textarea")).to_be_focused()
    page.wait_for_timeout(1000)  # for what might scroll or take the keyboard later
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.activeElement.matches('#question textarea')") is focused
    page.context.close()


def test_other_routes_of_the_app_keep_working(site):
    assert httpx.get(f"{site.url}/health").json() == {"status": "ok"}
    answer = httpx.get(site.url, headers={"Accept": "text/html"})
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "https://fonts" not in answer.text
