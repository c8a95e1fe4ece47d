"""What a teacher said once is not asked for again, and what it cannot answer is not passed over."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.arms import parse_arm
from core.errors import GraftError, RequestError, ServeError
from core.types import Answer, Example
from graft.teacher_answers import TeacherAnswers


class Pipeline:
    """Answers every question with "In May.", but those of `trouble`; counts what it is asked."""

    def __init__(self, **trouble: GraftError) -> None:
        self.trouble, self.asked = trouble, list[str]()

    async def answer(self, question: Any) -> Answer:
        self.asked.append(question.text)
        await asyncio.sleep(0)
        if question.text in self.trouble:
            raise self.trouble[question.text]
        return Answer(text="In May.", answer="In May.", format="text")


def example(name: str, answer: str = "In May.") -> Example:
    return Example.model_validate({"id": name, "question": name, "answer": answer, "format": "text", "evidence": []})


def answers(file: Path, pipeline: Pipeline, names: str, said: list[str] | None = None, shots: int = 2):
    taught = TeacherAnswers(file, pipeline, parse_arm("rag+icl"), shots, ("teacher", "prompts"), 1)  # type: ignore[arg-type]
    said = [] if said is None else said
    examples = [example(name) for name in names]
    found = asyncio.run(taught.of(examples, lambda stage, done, total: None, said.append))
    assert [answer.id for answer in found] == list(names)
    return found


def test_answers_outlive_other_limits_other_options_and_a_kill(tmp_path):
    file = tmp_path / "distilled" / "answers.jsonl"
    answers(file, Pipeline(), "abcd")
    with file.open("a") as out:
        out.write('\n{"key": "cut')
    fewer, more, other, again = Pipeline(), Pipeline(), Pipeline(), Pipeline()
    answers(file, fewer, "ab")
    answers(file, other, "ab", shots=3)
    answers(file, more, "abcdef")
    answers(file, again, "fedcba")
    assert (fewer.asked, other.asked, more.asked, again.asked) == ([], ["a", "b"], ["e", "f"], [])


def test_an_edited_example_is_asked_again(tmp_path):
    file = tmp_path / "answers.jsonl"
    answers(file, Pipeline(), "ab")
    pipeline = Pipeline()
    taught = TeacherAnswers(file, pipeline, parse_arm("rag+icl"), 2, ("teacher", "prompts"), 1)  # type: ignore[arg-type]
    examples = [example("a"), example("b", "In June.")]
    asyncio.run(taught.of(examples, lambda stage, done, total: None, print))
    assert pipeline.asked == ["b"]


def test_a_teacher_that_fails_ends_the_asking_with_its_own_words(tmp_path):
    file, said = tmp_path / "answers.jsonl", list[str]()
    with pytest.raises(ServeError, match="refused the key"):
        answers(file, pipeline := Pipeline(c=ServeError("the teacher refused the key")), "abcdefgh", said)
    assert pipeline.asked == ["a", "b", "c"]
    assert said == ["2 answers are kept; the same command goes on from there"]
    answers(file, pipeline := Pipeline(), "abcdefgh")
    assert pipeline.asked == list("cdefgh")


def test_a_question_that_is_refused_by_itself_is_passed_over_and_said(tmp_path):
    said: list[str] = []
    found = answers(tmp_path / "a.jsonl", Pipeline(b=RequestError("too long: 5,000 tokens")), "abc", said)
    assert [answer.reason for answer in found] == [None, "failed", None]
    assert said == ["1 questions could not be asked; the first: too long: 5,000 tokens"]
