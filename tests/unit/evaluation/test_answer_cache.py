"""Answers on disk: found again, by what determines them, and past a line that a kill cut."""

import json

from core.arms import parse_arm
from core.chat import Question
from core.types import Answer, Passage, Usage
from evaluation.answer_cache import AnswerCache, question_key

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
    AnswerCache(tmp_path, "rag", {"x": 1}).put(QUESTION, ANSWER, 4)
    assert AnswerCache(tmp_path, "rag", {"x": 1}).get(QUESTION) == ANSWER


def test_another_question_format_adapter_or_identity_has_no_answer(tmp_path):
    AnswerCache(tmp_path, "rag", {"x": 1}).put(QUESTION, ANSWER, 4)
    cache = AnswerCache(tmp_path, "rag", {"x": 1})
    for change in ({"text": "Why?"}, {"format": "yaml"}, {"adapter": "a@1"}, {"schema_name": None}):
        assert cache.get(QUESTION.model_copy(update=change)) is None
    assert AnswerCache(tmp_path, "rag", {"x": 2}).get(QUESTION) is None


def test_a_cut_last_line_costs_that_answer_only(tmp_path):
    cache = AnswerCache(tmp_path, "rag", 1)
    cache.put(QUESTION, ANSWER, 4)
    second = QUESTION.model_copy(update={"text": "Second?"})
    cache.put(second, ANSWER, 4)
    cache.path.write_bytes(cache.path.read_bytes()[:-40])
    reopened = AnswerCache(tmp_path, "rag", 1)
    assert reopened.get(QUESTION) == ANSWER
    assert reopened.get(second) is None
    reopened.put(second, ANSWER, 4)
    final = AnswerCache(tmp_path, "rag", 1)
    assert (final.get(QUESTION), final.get(second)) == (ANSWER, ANSWER)


def test_how_many_were_asked_at_once_is_kept_with_each_answer(tmp_path):
    cache = AnswerCache(tmp_path, "rag", 1)
    cache.put(QUESTION, ANSWER, 4)
    second = QUESTION.model_copy(update={"text": "Second?"})
    old = {"key": question_key(second), "answer": ANSWER.model_dump(mode="json", by_alias=True)}
    with cache.path.open("a") as file:
        file.write(json.dumps(old) + "\n")
    reopened = AnswerCache(tmp_path, "rag", 1)
    assert (reopened.concurrency(QUESTION), reopened.concurrency(second)) == (4, 16)
    assert reopened.get(second) == ANSWER
    assert reopened.concurrency(QUESTION.model_copy(update={"text": "Third?"})) is None
