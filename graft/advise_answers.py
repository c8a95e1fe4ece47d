"""Answers that people gave to the advisor's questions, kept per domain, for command and page alike."""

from pathlib import Path

from core.errors import RequestError
from core.files import read_json, write_json

FILE = "answers.json"


def kept_answers(folder: Path) -> dict[str, bool]:
    """Answers by question, from below the labs of a domain; those to questions that there are no more are left out."""
    path = folder / "advice" / FILE
    if not path.is_file():
        return {}
    content = read_json(path)
    return {key: value for key, value in content.items() if key in question_keys() and isinstance(value, bool)}


def keep_answer(folder: Path, key: str, yes: bool | None) -> None:
    """Keep an answer, or forget it (None). Raises RequestError for a question that is none, WorkspaceError."""
    if key not in question_keys():
        raise RequestError(f"the advisor has no question '{key}'")
    answers = {known: value for known, value in kept_answers(folder).items() if known != key}
    if yes is not None:
        answers[key] = yes
    write_json(folder / "advice" / FILE, answers)


def question_keys() -> list[str]:
    """The questions, by what they are called in commands and files."""
    from advisor.rules import load_rules

    rules = load_rules()
    return [question.key for question in (*rules.questions, *rules.weighed)]
