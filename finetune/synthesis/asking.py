"""What a teacher is asked: messages and the JSON Schema of its reply. Reading the reply. Knows no client.

These are not the prompts of the chat: what an adapter is trained on is rendered by core/prompt.py when rows are built.
"""

import json
import random
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from core.pack import DomainPack
from core.types import STRUCTURED, Example, Format
from finetune.corpus_text import ChunkText, fold_space

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


# Weak models repeat themselves until they are cut off: in characters.
LONGEST_QUESTION, LONGEST_ANSWER = 200, 700
# At the end of a sentence, an empty line, or before an item of a list or a row of a table.
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9`*\[(\"'])|\n\s*\n|\n(?=\s*(?:[-*+>|]|\d+[.)])\s?)")
_LONGEST_STRING = 240
_QUOTE_LENGTHS = range(20, 301)
_MOST_QUOTES = 12
_WORKED_EXAMPLES = 2


class Task(NamedTuple):
    """One question to be written: about which chunk, in which format and schema, in which manner.

    `quotes` are the sentences of the chunk that the teacher may quote.
    """

    chunk: ChunkText
    format: Format
    schema: str | None
    manner: str
    quotes: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names the task across runs, whatever its manner."""
        return f"new:{self.chunk.id}:{self.format}:{self.schema or '-'}"


def choose_task(chunk: ChunkText, pack: DomainPack, formats: tuple[Format, ...], seed: int) -> Task | None:
    """Draw format, schema and manner for a chunk, the same for the same seed; None: it has no sentence to quote."""
    draw = random.Random(f"{seed}:{chunk.id}")
    format = draw.choice(formats)
    schema = draw.choice(sorted(pack.schemas)) if format in STRUCTURED and pack.schemas else None
    manner = draw.choice(_MANNERS)
    quotes = sentences(chunk.text)
    return Task(chunk, format, schema, manner, quotes) if quotes else None


def sentences(text: str) -> tuple[str, ...]:
    """Sentences and list items of `text` that can stand as evidence, white space folded; headings are none."""
    parts = (fold_space(part) for part in _SENTENCE.split(text) if not part.lstrip().startswith(("#", "```")))
    return tuple(dict.fromkeys(part for part in parts if len(part) in _QUOTE_LENGTHS))[:_MOST_QUOTES]


def new_example_prompt(task: Task, pack: DomainPack) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Messages and reply schema that ask for a quote, a question and its answer, after examples of the pack's own."""
    schema = pack.schema_for(task.format, task.schema)
    if schema is not None:
        kind = "an object of the given schema, or null if the passage does not hold one"
    else:
        kind = (
            f"in {'plain text, one or two sentences' if task.format == 'text' else 'Markdown'}, from the passage alone"
        )
    system = (
        f"You write training examples for this assistant: {pack.persona}\n"
        "Given a passage, write a JSON object with the keys quote, question and answer.\n"
        "1. quote: one sentence of the passage, copied exactly, that holds something a user would want to know.\n"
        f"2. question: one that a user would ask and that the quote answers. {task.manner} "
        "Do not mention the passage, the text or the document.\n"
        f"3. answer: {kind}."
    )
    if schema is not None:
        system += f"\nSchema of answer: {json.dumps(schema, ensure_ascii=False)}"
    messages = [{"role": "system", "content": system}]
    for example in _worked_examples(task, pack):
        evidence = example.evidence[0]
        reply = {"quote": fold_space(evidence.quote), "question": example.question, "answer": example.answer}
        messages += [
            {"role": "user", "content": _passage(evidence.source, evidence.quote)},
            {"role": "assistant", "content": json.dumps(reply, ensure_ascii=False)},
        ]
    messages.append({"role": "user", "content": _passage(task.chunk.source, task.chunk.text)})
    return messages, _reply_schema(schema, task.quotes)


def _worked_examples(task: Task, pack: DomainPack) -> list[Example]:
    fitting = [
        example
        for example in pack.train_examples
        if example.answerable
        and example.format == task.format
        and example.schema_name == task.schema
        and len(example.evidence) == 1
    ]
    return random.Random(task.key).sample(fitting, min(_WORKED_EXAMPLES, len(fitting)))


def _passage(source: str, text: str) -> str:
    return f"Passage from {source}:\n\n{text}"


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
        "properties": {"answer": {"type": "string", "maxLength": 3 * len(str(example.answer)) + 40}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": f"Question: {example.question}\nAnswer: {example.answer}"},
    ]
    return messages, schema


def read_reply(text: str) -> dict[str, Any] | None:
    """The first JSON object in a reply, whatever stands around it; None without one that can be written down."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # no NaN, no half characters
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _reply_schema(answer: dict[str, Any] | None, quotes: tuple[str, ...]) -> dict[str, Any]:
    """The reply's schema; an answer's own definitions move to the top, where its references look for them."""
    definitions = {key: answer[key] for key in ("$defs", "definitions") if answer and key in answer}
    body = {k: v for k, v in (answer or {}).items() if k not in (*definitions, "$schema", "$id")}
    text = {"type": "string", "maxLength": LONGEST_ANSWER}
    return {
        "type": "object",
        "properties": {
            "quote": {"enum": list(quotes)},
            "question": {"type": "string", "maxLength": LONGEST_QUESTION},
            "answer": {"anyOf": [_bounded(body), {"type": "null"}]} if answer is not None else text,
        },
        "required": ["quote", "question", "answer"],
        "additionalProperties": False,
        **{key: _bounded(value) for key, value in definitions.items()},
    }


def _bounded(schema: Any) -> Any:
    """The same schema with an end to every free string, so that a constrained reply comes to its own."""
    if isinstance(schema, list):
        return [_bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: value if key in ("enum", "const") else _bounded(value) for key, value in schema.items()}
    free = found.get("type") == "string" and not {"enum", "const", "maxLength", "pattern", "format"} & found.keys()
    return {**found, "maxLength": _LONGEST_STRING} if free else found
