"""The page on the real system: a tuned adapter behind vLLM, asked by a person in a browser."""

import pytest

from tests.browser import steps

pytestmark = [pytest.mark.integration, pytest.mark.served, pytest.mark.browser]


@pytest.fixture
def chat(served, browser):
    page = steps.new_page(browser)
    steps.open_page(page, served.base_url)
    steps.wait_until_ready(page)
    yield page
    page.context.close()


def test_question_is_answered_and_its_sources_are_shown(chat):
    text = steps.ask(chat, "When do I prune quince, and how much sun does it want?")
    assert text
    assert "shrubs/quince.md" in {source["file"] for source in steps.sources(chat)}


def test_json_answer_is_code_with_a_badge(chat):
    steps.choose(chat, "Format", "JSON")
    steps.ask(chat, "When do I prune thyme, and how much sun does it want?")
    assert "valid" in steps.badge(chat).lower()


def test_base_model_can_be_chosen_instead_of_the_adapter(served, chat):
    assert served.adapter()
    tuned = steps.ask(chat, "When is sage pruned?")
    steps.choose(chat, "How to answer", "Documents")
    plain = steps.ask(chat, "When is sage pruned?")
    assert tuned != plain
