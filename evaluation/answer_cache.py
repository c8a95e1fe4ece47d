"""Answers on disk, so that a stopped lab goes on: one JSON Lines file per arm and everything that determines it.

Each answer is appended as it comes. A line cut by a kill is passed over and written anew. Knows no figure.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.appended_lines import append_line, appended_lines
from core.chat import Question
from core.files import sha256_json
from core.types import Answer

# Lines of an older Graft do not say how many questions were asked at once: not known. They are treated as made with
# today's default of lab.concurrency, which most of them were.
_UNSAID = 16


class AnswerCache:
    """Answers of one arm. `identity` is everything else that determines them; when it changes, a new file begins."""

    def __init__(self, folder: Path, arm: str, identity: Any) -> None:
        self.path = folder / f"{arm}-{sha256_json(identity)[:16]}.jsonl"
        self._answers = {key: (answer, concurrency) for key, answer, concurrency in _read(self.path)}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: Question) -> Answer | None:
        """The stored answer to `question`, or None."""
        found = self._answers.get(question_key(question))
        return None if found is None else found[0]

    def concurrency(self, question: Question) -> int | None:
        """How many questions were asked at once when `question` was answered, or None: there is no answer."""
        found = self._answers.get(question_key(question))
        return None if found is None else found[1]

    def put(self, question: Question, answer: Answer, concurrency: int) -> None:
        """Append an answer, made while up to `concurrency` questions were asked; it is on disk when this returns.

        Raises WorkspaceError when it cannot be written.
        """
        key = question_key(question)
        dumped = answer.model_dump(mode="json", by_alias=True)
        append_line(self.path, {"key": key, "concurrency": concurrency, "answer": dumped})
        self._answers[key] = answer, concurrency


def question_key(question: Question) -> str:
    """Hash of every field of a question, but not of those that came later and say nothing (caches outlive them)."""
    fields = question.model_dump(mode="json")
    if fields["given"] is None:
        del fields["given"]
    # Which adapter answers stands in `adapter` already.
    del fields["arm"]["weights"]
    return sha256_json(fields)


def _read(path: Path) -> list[tuple[str, Answer, int]]:
    answers = []
    for _, line in appended_lines(path):
        try:
            row = json.loads(line)
            answers.append((row["key"], Answer.model_validate(row["answer"]), int(row.get("concurrency", _UNSAID))))
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
            continue
    return answers
