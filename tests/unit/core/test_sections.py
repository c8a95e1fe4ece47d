"""Which headings a schema asks for, and whether a Markdown answer has them."""

import re

import pytest

from core.answer_text import read_answer
from core.prompt import PromptRequest, render
from core.sections import missing_sections, sections_of, sections_pattern

GUIDE = {"x-sections": ["Symptom", "Next steps"]}
GOOD = "## Symptom\n\nLeaves curl.\n\n## Next steps\n\nWater it. [1]"


def test_sections_are_listed_or_the_titles_of_the_properties():
    assert sections_of(GUIDE) == ("Symptom", "Next steps")
    assert sections_of({"properties": {"first_aid": {}, "b": {"title": "Then"}}}) == ("First aid", "Then")
    assert sections_of({"type": "object"}) == ()
    for wrong in ("Symptom", [1], [" "]):
        with pytest.raises(ValueError, match="x-sections"):
            sections_of({"x-sections": wrong})


def test_headings_count_in_any_level_and_case_but_in_order():
    assert missing_sections(GOOD, ("Symptom", "Next steps")) == []
    assert missing_sections("# SYMPTOM:\n\n### More\n\n# next steps #", ("Symptom", "Next steps")) == []
    assert missing_sections("## Next steps\n\n## Symptom", ("Symptom", "Next steps")) == ["Next steps"]
    assert missing_sections("```\n## Symptom\n```\nSymptom", ("Symptom",)) == ["Symptom"]


def test_answer_is_valid_with_its_sections_or_as_a_refusal():
    assert read_answer(GOOD, "markdown", GUIDE, "No.").valid
    assert read_answer("No.", "markdown", GUIDE, "No.").valid
    assert not read_answer("Leaves curl.", "markdown", GUIDE, "No.").valid
    assert read_answer("Leaves curl.", "markdown", None, "No.").valid


def test_pattern_allows_what_the_check_accepts_and_nothing_without_content():
    pattern = sections_pattern(("Symptom", "Next steps"), "I cannot. (No)")
    assert re.fullmatch(pattern, GOOD)
    assert re.fullmatch(pattern, "I cannot. (No)")
    assert not re.fullmatch(pattern, "## Symptom\n\n## Next steps\n\nWater.")
    assert not re.fullmatch(pattern, "## Symptom\n\nLeaves.")


def test_prompt_names_the_headings():
    request = PromptRequest(persona="P.", refusal="R.", question="Q?", format="markdown", json_schema=GUIDE)
    assert "under the headings ## Symptom, ## Next steps." in render(request)[0]["content"]
