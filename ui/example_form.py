"""The form of one example: its components, what they show of an example, and the example that they hold.

A form holds so many quotes; what an example has beyond that stays as it is.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.answer_text import serialise
from core.errors import RequestError
from core.examples import parse_example
from core.feedback import read_correction
from core.pack import DomainPack
from core.types import STRUCTURED, Evidence, Example
from ui import choices
from ui.language import t
from ui.selectors import format_selector, schema_selector
from ui.show import Values

QUOTES = 3


@dataclass(frozen=True)
class ExampleForm:
    """The components. `raw` stands in for all others where a line cannot be read."""

    raw: gr.Textbox
    fields: gr.Column
    question: gr.Textbox
    answerable: gr.Checkbox
    format: gr.Radio
    schema: gr.Dropdown
    answer: gr.Textbox
    sources: tuple[gr.Dropdown, ...]
    quotes: tuple[gr.Textbox, ...]
    tags: gr.Textbox
    identity: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        """What a user fills in."""
        fixed = [self.raw, self.question, self.answerable, self.format, self.schema, self.answer]
        return [*fixed, *self.sources, *self.quotes, self.tags, self.identity]

    @property
    def outputs(self) -> list[Any]:
        """What is filled in when an example is opened."""
        return [self.fields, *self.inputs]


def build_example_form(pack: DomainPack) -> ExampleForm:
    """Create the form inside the current Gradio context."""
    format = choices.default_format(pack)
    raw = gr.Textbox(
        label=t("The line as it is"),
        info=t("It cannot be read as an example. Mend it, or delete it."),
        lines=6,
        max_lines=20,
        visible=False,
        elem_id="example-raw",
        elem_classes="code",
    )
    with gr.Column(min_width=0, elem_id="example-fields") as fields:
        question = gr.Textbox(
            label=t("Question"), lines=2, max_lines=6, max_length=4000, elem_id="example-question", container=True
        )
        answerable = gr.Checkbox(
            value=True,
            label=t("The documents hold the answer"),
            info=t("If not, the model learns to say so."),
            elem_id="example-answerable",
        )
        answers = format_selector(pack, format, "example-format")
        schema = schema_selector(pack, format, "example-schema")
        answer = gr.Textbox(
            label=t("The right answer"), lines=5, max_lines=16, max_length=20_000, elem_id="example-answer"
        )
        sources, quotes = [], []
        for number in range(QUOTES):
            sources.append(
                gr.Dropdown(
                    [],
                    label=t("Document that says so") if number == 0 else t("Another document"),
                    allow_custom_value=True,
                    elem_id=f"example-source-{number}",
                )
            )
            quotes.append(
                gr.Textbox(
                    label=t("Its words"),
                    info=t("Copied from the document. They should stand there once.") if number == 0 else None,
                    lines=2,
                    max_lines=8,
                    max_length=4000,
                    elem_id=f"example-quote-{number}",
                )
            )
        with gr.Accordion(t("Tags and name"), open=False, elem_id="example-more"):
            tags = gr.Textbox(
                label=t("Tags"),
                info=t("Separated by commas. Examples with the same record:… tag are never parted."),
                max_length=1000,
                elem_id="example-tags",
            )
            identity = gr.Textbox(
                label=t("Name"), info=t("Left empty, one is made."), max_length=200, elem_id="example-id"
            )
    return ExampleForm(
        raw=raw,
        fields=fields,
        question=question,
        answerable=answerable,
        format=answers,
        schema=schema,
        answer=answer,
        sources=tuple(sources),
        quotes=tuple(quotes),
        tags=tags,
        identity=identity,
    )


def shown(form: ExampleForm, pack: DomainPack, example: Example | None, text: str, known: Sequence[str]) -> Values:
    """Values of the form for an example; None: `text` is a line that cannot be read. `known` are documents."""
    values: Values = {
        form.raw: gr.update(value=text if example is None else "", visible=example is None),
        form.fields: gr.update(visible=example is not None),
    }
    if example is None:
        return values
    structured = example.format in STRUCTURED
    answer = example.answer if isinstance(example.answer, str) else ""
    if isinstance(example.answer, dict):
        answer = json.dumps(example.answer, indent=2, ensure_ascii=False)
        answer = serialise(example.answer, "yaml") if example.format == "yaml" else answer
    values |= {
        form.question: example.question,
        form.answerable: example.answerable,
        form.format: example.format if example.format in pack.formats else None,
        form.schema: gr.update(value=example.schema_name or choices.ANY_SCHEMA, visible=structured),
        form.answer: gr.update(value=answer, visible=example.answerable, elem_classes=["code"] if structured else []),
        form.tags: ", ".join(example.tags),
        form.identity: example.id if example.id != NEW.id else "",
    }
    evidence = [*example.evidence, *[None] * QUOTES][:QUOTES]
    for one, source, quote in zip(evidence, form.sources, form.quotes, strict=True):
        values[source] = gr.update(choices=[*known], value=one.source if one else None, visible=example.answerable)
        values[quote] = gr.update(value=one.quote if one else "", visible=example.answerable)
    return values


NEW = Example(id="new", question="?", answer="?")
"""What an empty form stands for; nothing of it is kept."""


def empty(pack: DomainPack) -> Example:
    """An example to begin a new one with."""
    format = choices.default_format(pack)
    schema = next(iter(pack.schemas), None) if format in STRUCTURED else None
    return NEW.model_copy(update={"question": "", "answer": "", "format": format, "schema_name": schema})


def written(pack: DomainPack, before: Example | None, values: tuple[Any, ...]) -> Example:
    """The example that a form's values (in the order of `inputs`) hold. Raises RequestError, ExampleError."""
    raw, question, answerable, format, schema, text, *rest = values
    if before is None:
        try:
            return parse_example(str(raw))
        except ValueError as error:
            raise RequestError(f"the line cannot be read: {error}") from error
    sources, quotes, (tags, identity) = rest[:QUOTES], rest[QUOTES : 2 * QUOTES], rest[2 * QUOTES :]
    question, name = str(question or "").strip(), str(schema or "") or None
    if not question:
        raise RequestError("write a question first")
    if format not in pack.formats:
        raise RequestError("choose a format first")
    name = name if format in STRUCTURED or name == before.schema_name else None
    right = read_correction(str(text or ""), format, pack.schema_for(format, name), pack.refusal, answerable=answerable)
    kept = before.answer if not answerable and before.id != NEW.id else None
    evidence = _evidence(sources, quotes) if right.answerable else []
    digest = hashlib.sha256(f"{format}\n{name}\n{question}".encode()).hexdigest()[:10]
    return Example(
        id=str(identity or "").strip() or f"own-{digest}",
        question=question,
        answer=right.answer if right.answerable else kept,
        format=format,
        schema=name,
        evidence=(*evidence, *(before.evidence[QUOTES:] if right.answerable else ())),
        answerable=right.answerable,
        tags=tuple(dict.fromkeys(tag.strip() for tag in str(tags or "").split(",") if tag.strip())),
    )


def _evidence(sources: list[Any], quotes: list[Any]) -> list[Evidence]:
    found = []
    for named, quoted in zip(sources, quotes, strict=True):
        source, quote = str(named or "").strip(), str(quoted or "").strip()
        if bool(source) != bool(quote):
            missing = "words" if source else "document"
            raise RequestError(f"a document and its words belong together: the {missing} are missing")
        if source:
            found.append(Evidence(source=source, quote=quote))
    return found
