"""Answers on disk: found again, by what determines them, and past a line that a kill cut."""

from core.arms import parse_arm
from core.chat import Question
from core.types import Answer, Passage, Usage
from evaluation.answer_cache import AnswerCache

QUESTION = Question(text="When?", arm=parse_arm("rag"), format="json", schema_name="care")
ANSWER = Answer(
    text="{}",
    answer={"a": ["ü"]},
    format="json",
    schema_name="care",
    usage=Usage(prompt_tokens=3),
    seconds_to_first_token=0.1,
    passages=[Passage(number=1, source="a.md", locator="", text="line\u2028separator\nand more")],
)


def test_an_answer_comes_back_whole(tmp_path):
    AnswerCache(tmp_path, "rag", {"x": 1}).put(QUESTION, ANSWER)
    assert AnswerCache(tmp_path, "rag", {"x": 1}).get(QUESTION) == ANSWER


def test_another_question_format_adapter_or_identity_has_no_answer(tmp_path):
    AnswerCache(tmp_path, "rag", {"x": 1}).put(QUESTION, ANSWER)
    cache = AnswerCache(tmp_path, "rag", {"x": 1})
    for change in ({"text": "Why?"}, {"format": "yaml"}, {"adapter": "a@1"}, {"schema_name": None}):
        assert cache.get(QUESTION.model_copy(update=change)) is None
    assert AnswerCache(tmp_path, "rag", {"x": 2}).get(QUESTION) is None


def test_a_cut_last_line_costs_that_answer_only(tmp_path):
    cache = AnswerCache(tmp_path, "rag", 1)
    cache.put(QUESTION, ANSWER)
    second = QUESTION.model_copy(update={"text": "Second?"})
    cache.put(second, ANSWER)
    cache.path.write_bytes(cache.path.read_bytes()[:-40])
    reopened = AnswerCache(tmp_path, "rag", 1)
    assert reopened.get(QUESTION) == ANSWER
    assert reopened.get(second) is None
    reopened.put(second, ANSWER)
    final = AnswerCache(tmp_path, "rag", 1)
    assert (final.get(QUESTION), final.get(second)) == (ANSWER, ANSWER)
