"""Asking: order, concurrency, retries, failures, going on from the cache."""

import asyncio

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.errors import AdapterError, LabError, OverloadedError, RequestError, ServeError
from core.types import Answer
from evaluation.answer_cache import AnswerCache
from evaluation.asking import GIVE_UP_AFTER, QuestionsRefusedError, ask_all

QUESTIONS = [Question(text=f"Q{number}?", arm=parse_arm("base")) for number in range(20)]


class Echo:
    """Answers with the question; `trouble` maps a question to the errors that come first."""

    def __init__(self, trouble: dict[str, list[Exception]] | None = None) -> None:
        self.trouble = trouble or {}
        self.asked, self.running, self.most = [], 0, 0

    async def answer(self, question: Question) -> Answer:
        self.asked.append(question.text)
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.trouble.get(question.text):
            raise self.trouble[question.text].pop(0)
        return Answer(text=question.text, answer=question.text, format="text", model="m")


def ask(answerer, cache, questions=QUESTIONS, waits=(0.0,), **options):
    return asyncio.run(ask_all(answerer, questions, cache, concurrency=4, retry_waits=waits, **options))


@pytest.fixture
def cache(tmp_path):
    return AnswerCache(tmp_path, "base", 1)


def test_answers_stand_in_the_order_of_the_questions_and_progress_counts_up(cache):
    seen = []
    answerer = Echo()
    found = ask(answerer, cache, on_answer=lambda done, total: seen.append((done, total)))
    assert [o.answer.text for o in found.outcomes] == [q.text for q in QUESTIONS]
    assert seen == [(n, 20) for n in range(21)]
    assert answerer.most == 4
    assert found.model == "m"


def test_a_transient_failure_is_tried_again(cache):
    answerer = Echo({"Q3?": [ServeError("down")], "Q4?": [OverloadedError("full", retry_after=0)]})
    found = ask(answerer, cache)
    assert all(o.answer for o in found.outcomes)
    assert answerer.asked.count("Q3?") == 2


def test_a_lasting_failure_is_recorded_by_its_line_and_asked_again_by_the_next_run(cache):
    found = ask(Echo({"Q3?": [ServeError("too long"), ServeError("still too long")]}), cache)
    assert [o.failure for o in found.outcomes if o.failure] == ["still too long"]
    assert found.outcomes[3].answer is None
    second = Echo()
    found = ask(second, cache)
    assert second.asked == ["Q3?"]
    assert sum(o.cached for o in found.outcomes) == 19
    assert all(o.answer for o in found.outcomes)


def test_many_failures_in_a_row_end_the_lab_but_keep_what_was_answered(cache, tmp_path):
    down = {q.text: [ServeError("gone")] * 2 for q in QUESTIONS[5:]}
    with pytest.raises(LabError, match=f"{GIVE_UP_AFTER} questions in a row failed under arm 'base': gone"):
        ask(Echo(down), cache)
    assert len(AnswerCache(tmp_path, "base", 1)) == 5


def test_failures_with_answers_between_do_not_end_the_lab(cache):
    many = [Question(text=f"Q{number}?", arm=parse_arm("base")) for number in range(4 * GIVE_UP_AFTER)]
    found = ask(Echo({q.text: [ServeError("no")] for q in many[::2]}), cache, many, waits=())
    assert sum(o.failure is not None for o in found.outcomes) == 2 * GIVE_UP_AFTER


def test_an_error_that_no_further_try_mends_is_raised_as_it_is(cache):
    answerer = Echo({"Q2?": [AdapterError("no active adapter")]})
    with pytest.raises(AdapterError, match="no active adapter"):
        ask(answerer, cache)
    assert answerer.asked.count("Q2?") == 1


def test_a_question_that_is_refused_as_it_is_fails_alone_and_is_not_tried_again(cache):
    answerer = Echo({"Q2?": [RequestError("the prompt is over the context")]})
    found = ask(answerer, cache)
    assert [o.failure for o in found.outcomes if o.failure] == ["the prompt is over the context"]
    assert found.outcomes[2].refused
    assert answerer.asked.count("Q2?") == 1


def test_requests_that_are_wrong_throughout_end_the_lab(cache):
    with pytest.raises(QuestionsRefusedError, match=f"{GIVE_UP_AFTER} questions in a row .* no such schema"):
        ask(Echo({q.text: [RequestError("no such schema")] for q in QUESTIONS}), cache)
    mixed = {q.text: [RequestError("no such schema")] for q in QUESTIONS} | {"Q3?": [ServeError("gone")] * 2}
    with pytest.raises(LabError) as error:
        ask(Echo(mixed), cache)
    assert not isinstance(error.value, QuestionsRefusedError)


def test_how_many_are_asked_at_once_stays_with_the_answer(cache, tmp_path):
    assert {o.concurrency for o in ask(Echo(), cache).outcomes} == {4}
    answers = ask_all(Echo(), QUESTIONS, AnswerCache(tmp_path, "base", 1), concurrency=9)
    assert {o.concurrency for o in asyncio.run(answers).outcomes} == {4}


def test_a_stopped_run_goes_on(cache, tmp_path):
    class Killed(Echo):
        async def answer(self, question):
            if len(self.asked) == 8:
                raise KeyboardInterrupt
            return await super().answer(question)

    with pytest.raises(KeyboardInterrupt):
        ask(Killed(), cache)
    kept = len(AnswerCache(tmp_path, "base", 1))
    assert kept > 0
    rest = Echo()
    ask(rest, AnswerCache(tmp_path, "base", 1))
    assert len(rest.asked) == 20 - kept
