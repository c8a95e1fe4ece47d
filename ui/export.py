"""Conversations as files for their users: Markdown to read, JSON with everything. Text only; knows no page."""

import json
import re
from collections.abc import Sequence

from core.conversations import Conversation
from core.turns import Turn
from core.types import STRUCTURED
from ui.choices import arm_label
from ui.language import marked, spoken, t
from ui.measures import seconds

_STATES = {"stopped": marked("The answer was stopped here."), "failed": marked("No answer.")}


def as_json(conversation: Conversation) -> str:
    """One conversation, whole: questions, settings, answers, passages."""
    return json.dumps(conversation.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=2) + "\n"


def as_markdown(conversation: Conversation) -> str:
    """One conversation to read: each question as a heading, its answer, its sources."""
    head = f"# {_line(conversation.title)}\n\n{conversation.created[:10]}\n"
    return "\n".join([head, *(_turn(turn) for turn in conversation.turns)])


def file_name(conversation: Conversation, suffix: str) -> str:
    """A name for the file: date and title, in letters that every system takes."""
    words = "-".join(re.findall(r"\w+", conversation.title.casefold()))[:60].strip("-")
    return f"{conversation.created[:10]}-{words or 'conversation'}.{suffix}"


def _turn(turn: Turn) -> str:
    parts = [f"## {_line(turn.question.text)}"]
    if turn.text:
        parts.append(_fenced(turn.text, turn.question.format) if turn.question.format in STRUCTURED else turn.text)
    if turn.state in _STATES:
        parts.append(f"*{t(_STATES[turn.state])} {spoken(turn.error or '')}".rstrip() + "*")
    sources = _sources(turn)
    if sources:
        parts.append(t("Sources:") + "\n\n" + "\n".join(sources))
    model = f", {turn.answer.model}" if turn.answer else ""
    parts.append(f"*{arm_label(turn.question.arm.name)}{model}, {seconds(turn.seconds)}*")
    return "\n\n".join(parts) + "\n"


def _sources(turn: Turn) -> Sequence[str]:
    if turn.answer is None:
        return []
    return [
        f"- [{citation.number}] {citation.source}"
        + (f", {_line(citation.locator)}" if citation.locator else "")
        + (f": “{_line(citation.quote)}”" if citation.quote else "")
        for citation in turn.answer.citations
    ]


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _line(text: str) -> str:
    return " ".join(text.split())
