"""The only place where a prompt is rendered: for training, serving, the lab and the chat alike.

Order, so that prefix caching works: persona, format, schema, passages, question. The model's own chat template makes
tokens of the messages. Knows nothing of retrieval, models or packs.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.answer_text import write_answer
from core.files import sha256_json
from core.sections import sections_of
from core.types import STRUCTURED, Example, Format, Passage

Message = dict[str, str]
# Tokens of a conversation as the model gets it, chat template included.
CountMessages = Callable[[Sequence[Message]], int]


class PromptRequest(BaseModel):
    """Everything a prompt is made of. `passages` None means a closed-book arm; empty, that nothing was found."""

    model_config = ConfigDict(frozen=True)

    persona: str
    refusal: str
    question: str
    format: Format = "text"
    json_schema: dict[str, Any] | None = None
    passages: tuple[Passage, ...] | None = None
    examples: tuple[Example, ...] = ()


def render(request: PromptRequest) -> list[Message]:
    """Render chat messages: one system message, worked examples as turns, one user message."""
    messages = [{"role": "system", "content": f"{request.persona}\n{_format_rule(request)}"}]
    for example in request.examples:
        messages += _worked_example(example, request)
    messages.append({"role": "user", "content": _user_text(request.question, request.passages)})
    return messages


def prompt_hash(chat_template: str) -> str:
    """Hash of how prompts are rendered, chat template included: equal hashes mean equal tokens for equal requests."""
    probes = []
    passage = Passage(number=1, source="s.md", locator="Title > Part", text="A text.")
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": ["x", "y"]}}}
    example = Example(id="e", question="Which?", answer="That.")
    for format in ("text", "markdown", "json", "yaml"):
        for passages in (None, (), (passage,)):
            request = PromptRequest(
                persona="P.",
                refusal="R.",
                question="Q?",
                format=format,
                json_schema=schema if format in STRUCTURED else None,
                passages=passages,
                examples=() if format in STRUCTURED else (example,),
            )
            probes.append([render(request), write_answer(None, format, [], "R.")])
    return sha256_json([probes, write_answer({"a": "b"}, "yaml", [1], ""), chat_template])


def _format_rule(request: PromptRequest) -> str:
    grounded = request.passages is not None
    missing = "If the passages do not hold the answer, write" if grounded else "If you do not know, write"
    if request.format in STRUCTURED:
        keys = describe_schema(request.json_schema or {})
        cite = "numbers of the passages used" if grounded else ""
        refusal = write_answer(None, request.format, [], "")
        if request.format == "json":
            shape = f'{{"citations": [{cite}], "answer": {keys}}}'
            return f"Write only JSON: {shape}\n{missing} {refusal}"
        return f"Write only YAML:\ncitations: [{cite}]\nanswer: {keys}\n{missing}\n{refusal}"
    kind = "plain text, briefly" if request.format == "text" else "Markdown"
    cite = " End with the number of the passage used, as [1]." if grounded else ""
    sections = sections_of(request.json_schema) if request.json_schema and request.format == "markdown" else ()
    if sections:
        kind += " under the headings " + ", ".join(f"## {section}" for section in sections)
    return f"Answer in {kind}.{cite} {missing}: {request.refusal}"


def describe_schema(schema: dict[str, Any]) -> str:
    """A JSON Schema as one short line of keys and types, for a prompt."""
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(describe_schema(option) for option in schema.get("anyOf") or schema["oneOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if schema.get("type") == "array":
        return f"[{describe_schema(schema.get('items') or {})}]"
    if "properties" in schema:
        keys = (f'"{key}": {describe_schema(value)}' for key, value in schema["properties"].items())
        return "{" + ", ".join(keys) + "}"
    kind = schema.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)


def _user_text(question: str, passages: Sequence[Passage] | None) -> str:
    if passages is None:
        return f"Question: {question}"
    blocks = [passage_text(passage) for passage in passages] or ["(nothing found)"]
    return "\n\n".join(["Passages:", *blocks, f"Question: {question}"])


def passage_text(passage: Passage) -> str:
    """A passage as it stands in a prompt: number, where it is from, text."""
    where = f"{passage.source} | {passage.locator}" if passage.locator else passage.source
    return f"[{passage.number}] {where}\n{passage.text}"


def _worked_example(example: Example, request: PromptRequest) -> list[Message]:
    """One example as a question and its answer; with passages on, its evidence stands in for what would be found."""
    passages = None
    cited: list[int] = []
    if request.passages is not None:
        passages = [
            Passage(number=n, source=e.source, locator="", text=e.quote)
            for n, e in enumerate(example.evidence, start=1)
        ]
        cited = [p.number for p in passages] if example.answerable else []
    answer = example.answer if example.answerable else None
    return [
        {"role": "user", "content": _user_text(example.question, passages)},
        {"role": "assistant", "content": write_answer(answer, request.format, cited, request.refusal)},
    ]
