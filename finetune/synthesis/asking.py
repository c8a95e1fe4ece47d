"""What a teacher is asked: messages and the JSON Schema of its reply. Reading the reply. Knows no client.

These are not the prompts of the chat: what an adapter is trained on is rendered by core/prompt.py when rows are built.
"""

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from core.pack import DomainPack
from core.types import STRUCTURED, Example, Format
from finetune.corpus_text import ChunkText

Ask = Callable[[list[dict[str, str]], dict[str, Any]], str]
"""Messages and the JSON Schema of the reply in, the reply's text out. Raises GraftError when nobody answers."""

# Wordings are what a small model learns least from few examples: each question is asked for in one of these.
_MANNERS = (
    "Name the thing directly and ask briefly.",
    "Describe the thing or the problem without naming it.",
    "Ask as somebody in a hurry, in few words.",
    "Ask as a beginner who does not know the right terms.",
    "Put it as a request, not as a question.",
    "Describe a situation and ask what to do.",
)


class Task(NamedTuple):
    """One question to be written: about which chunk, in which format and schema, in which manner."""

    chunk: ChunkText
    format: Format
    schema: str | None
    manner: str

    @property
    def key(self) -> str:
        """Names the task across runs, whatever its manner."""
        return f"new:{self.chunk.id}:{self.format}:{self.schema or '-'}"


def choose_task(chunk: ChunkText, pack: DomainPack, formats: tuple[Format, ...], seed: int) -> Task:
    """Draw format, schema and manner for a chunk: the same for the same seed."""
    draw = random.Random(f"{seed}:{chunk.id}")
    format = draw.choice(formats)
    schema = draw.choice(sorted(pack.schemas)) if format in STRUCTURED and pack.schemas else None
    return Task(chunk, format, schema, draw.choice(_MANNERS))


def new_example_prompt(task: Task, pack: DomainPack) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Messages and reply schema that ask for a question, its answer and a quote."""
    structured = task.format in STRUCTURED
    if structured:
        kind = "an object of the given schema, or null if the passage does not hold one"
    else:
        kind = (
            f"in {'plain text, one or two sentences' if task.format == 'text' else 'Markdown'}, from the passage alone"
        )
    system = (
        f"You write training examples for this assistant: {pack.persona}\n"
        "Given a passage, write a JSON object with the keys question, answer and quote.\n"
        f"1. question: one that a user would ask and that the passage answers. {task.manner} "
        "Do not mention the passage, the text or the document.\n"
        f"2. answer: {kind}.\n"
        "3. quote: the words of the passage that hold the answer, copied exactly, one sentence at most."
    )
    user = f"Passage from {task.chunk.source} ({task.chunk.locator}):\n\n{task.chunk.text}"
    if structured:
        user += f"\n\nSchema of answer: {json.dumps(pack.schema_for(task.format, task.schema), ensure_ascii=False)}"
    return _messages(system, user), _reply_schema(pack.schema_for(task.format, task.schema) if structured else None)


def restyle_prompt(example: Example, pack: DomainPack) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Messages and reply schema that ask for the same answer in the persona's voice."""
    kind = "plain text" if example.format == "text" else "Markdown"
    system = (
        f"{pack.persona}\nYou are given a question and a correct but dull answer. Write the answer as you would "
        f"say it, in {kind}. Keep every fact, name, number and piece of code exactly; add none. "
        'Write a JSON object with the key "answer".'
    )
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return _messages(system, f"Question: {example.question}\nAnswer: {example.answer}"), schema


def read_reply(text: str) -> dict[str, Any] | None:
    """The first JSON object in a reply, whatever stands around it; None without one."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _messages(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _reply_schema(answer: dict[str, Any] | None) -> dict[str, Any]:
    """The reply's schema; an answer's own definitions move to the top, where its references look for them."""
    text = {"type": "string"}
    definitions = {key: answer[key] for key in ("$defs", "definitions") if answer and key in answer}
    body = {k: v for k, v in (answer or {}).items() if k not in (*definitions, "$schema", "$id")}
    return {
        "type": "object",
        "properties": {
            "question": text,
            "answer": {"anyOf": [body, {"type": "null"}]} if answer is not None else text,
            "quote": text,
        },
        "required": ["question", "answer", "quote"],
        "additionalProperties": False,
        **definitions,
    }
