"""The chat pipeline: one object that answers a question under any arm. The arms need no code of their own.

`retriever=None` (or an arm without retrieval) leaves passages out; `model_for` turns a served name into a chat model.
Seams are LangChain's own: BaseRetriever and BaseChatModel. Starts nothing, stores nothing.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import convert_to_messages
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel, ConfigDict

from core.answer_text import json_grammar, read_answer, serialise
from core.arms import Arm
from core.draft import Draft, in_time
from core.errors import AdapterError, RequestError, ServeError
from core.icl import ExampleSelector
from core.pack import DomainPack
from core.passages import CountTokens, to_citations, to_passages
from core.prompt import Message, PromptRequest, render
from core.second_try import second_try
from core.sections import sections_of, sections_pattern
from core.settings import GenerateSettings
from core.standalone import standalone_question
from core.types import STRUCTURED, Answer, Format, Passage, Usage


class Question(BaseModel):
    """One question as asked. `history` holds earlier user questions, oldest first; it only makes this one standalone.

    `constrained` None follows the arm; True promises a valid answer whatever the arm says: json, yaml, and markdown
    with a schema are decoded under it, and are tried once more when they are not valid all the same.
    `or_passages`: while the model is down, the passages are the answer (core.without_model).
    `adapter` None means the active one. `icl_examples` None follows the settings; `icl_without`: records not shown.
    `given`: passages to answer from in place of a search (the lab's controls). `whole`: nobody reads along, so the
    model may send its text in fewer pieces.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    text: str
    arm: Arm
    format: Format = "text"
    schema_name: str | None = None
    json_schema: dict[str, Any] | None = None
    history: tuple[str, ...] = ()
    constrained: bool | None = None
    adapter: str | None = None
    max_tokens: int | None = None
    or_passages: bool = False
    icl_examples: int | None = None
    icl_without: tuple[str, ...] = ()
    given: tuple[Passage, ...] | None = None
    whole: bool = False

    @property
    def has_shape(self) -> bool:
        """Whether the answer has to match a schema."""
        named = self.schema_name is not None or self.json_schema is not None
        return self.format in STRUCTURED or (self.format == "markdown" and named)


@dataclass(frozen=True)
class Searching:
    """The search has begun."""


@dataclass(frozen=True)
class Found:
    """Passages that entered the prompt, after `seconds` of search."""

    passages: list[Passage]
    seconds: float


@dataclass(frozen=True)
class Delta:
    """A piece of text to append. Answers that have a shape come in one piece, when they are known to be whole."""

    text: str


@dataclass(frozen=True)
class Done:
    """The whole answer; always the last event."""

    answer: Answer


Event = Searching | Found | Delta | Done


@dataclass(frozen=True)
class ChatPipeline:
    """Answers questions about one domain.

    `model_for(name)` gives a chat model for a served model name; `base_model` is the base model's served name;
    `active_adapter()` the served name of the active adapter, or None. `while_answering()` is entered around each
    generation (training yields to it). `longest_answer`: tokens that a second try may take, if the first had no room.
    """

    pack: DomainPack
    model_for: Callable[[str], BaseChatModel]
    base_model: str
    active_adapter: Callable[[], str | None]
    count_tokens: CountTokens
    generate: GenerateSettings
    retriever: BaseRetriever | None = None
    examples: ExampleSelector | None = None
    token_budget: int = 450
    longest_answer: int = 2048
    while_answering: Callable[[], AbstractContextManager[object]] = field(default=nullcontext)

    async def answer(self, question: Question) -> Answer:
        """Answer `question` in one piece. Raises GraftError subclasses."""
        async for event in self.stream(question):
            if isinstance(event, Done):
                return event.answer
        raise ServeError("the answer stream ended without an answer; look into the vLLM log of the workspace")

    async def stream(self, question: Question) -> AsyncIterator[Event]:
        """Answer `question` as events: Searching, Found, Delta..., Done. Closing the iterator aborts the generation."""
        started = time.perf_counter()
        schema = self._schema(question)
        model_name = self._model_name(question)
        text = standalone_question(question.text, question.history)
        passages: list[Passage] | None = None
        if question.arm.retrieval:
            yield Searching()
            passages = await self._search(text) if question.given is None else list(question.given)
            yield Found(passages, time.perf_counter() - started)
        constrained = question.arm.constrained if question.constrained is None else question.constrained
        constrained = constrained and question.has_shape and schema is not None
        # Constrained YAML is decoded as JSON and serialised again: grammars for YAML do not exist in vLLM.
        written: Format = "json" if constrained and question.format in STRUCTURED else question.format
        messages = convert_to_messages(self.prompt(question, text, passages, schema, written))
        options: dict[str, Any] | None = {"max_tokens": question.max_tokens or self.generate.max_tokens}
        if constrained and schema is not None:
            options["extra_body"] = {"structured_outputs": self._grammar(written, schema, len(passages or ()))}
        promised = constrained and question.constrained is True
        model = self.model_for(model_name)
        answer, used, tries = None, Usage(), 0
        while options is not None:
            tries += 1
            draft = Draft(started, started + self.generate.timeout_seconds, ends_loops=promised)
            with self.while_answering():
                async for piece in draft.write(model, messages, options):
                    if not question.has_shape:
                        yield Delta(piece)
            answer = self._finish(question, schema, written, draft, passages, model_name)
            used = Usage(
                prompt_tokens=used.prompt_tokens + answer.usage.prompt_tokens,
                completion_tokens=used.completion_tokens + answer.usage.completion_tokens,
            )
            room = None if question.max_tokens else self.longest_answer
            again = promised and not answer.valid and tries == 1
            options = second_try(options, cut_off=draft.reason == "length", limit=room) if again else None
        if answer is None:
            raise ServeError("the model sent no answer; look into the vLLM log of the workspace")
        answer.usage = used
        answer.seconds = time.perf_counter() - started
        if question.has_shape:
            yield Delta(answer.text)
        yield Done(answer)

    def prompt(
        self,
        question: Question,
        text: str,
        passages: Sequence[Passage] | None,
        schema: dict[str, Any] | None,
        written: Format,
    ) -> list[Message]:
        """The messages for this question, as the model gets them."""
        examples = ()
        if question.arm.icl:
            if self.examples is None:
                raise RequestError(
                    f"domain '{self.pack.name}' has no training examples, which arm '{question.arm.name}' shows"
                )
            selector = self.examples.without(question.icl_without) if question.icl_without else self.examples
            count = question.icl_examples or self.generate.icl_examples
            examples = tuple(selector.select(text, question.format, question.schema_name, count))
        return render(
            PromptRequest(
                persona=self.pack.persona,
                refusal=self.pack.refusal,
                question=text,
                format=written,
                json_schema=schema,
                passages=None if passages is None else tuple(passages),
                examples=examples,
            )
        )

    async def _search(self, text: str) -> list[Passage]:
        if self.retriever is None:
            raise RequestError(
                f"domain '{self.pack.name}' has no index yet: run graft ingest --domain {self.pack.name}"
            )
        documents = await in_time(self.retriever.ainvoke(text), time.perf_counter() + self.generate.timeout_seconds)
        return to_passages(documents, self.token_budget, self.count_tokens)

    def _grammar(self, written: Format, schema: dict[str, Any], passages: int) -> dict[str, Any]:
        if written == "markdown":
            return {"regex": sections_pattern(sections_of(schema), self.pack.refusal)}
        return json_grammar(schema, passages)

    def _schema(self, question: Question) -> dict[str, Any] | None:
        if question.json_schema is not None and question.format != "text":
            return question.json_schema
        return self.pack.schema_for(question.format, question.schema_name)

    def _model_name(self, question: Question) -> str:
        if not question.arm.adapter:
            return self.base_model
        name = question.adapter or self.active_adapter()
        if name is None:
            raise AdapterError(
                f"domain '{self.pack.name}' has no active adapter for arm '{question.arm.name}': "
                f"run graft train --domain {self.pack.name}, or choose arm rag"
            )
        return name

    def _finish(
        self,
        question: Question,
        schema: dict[str, Any] | None,
        written: Format,
        draft: Draft,
        passages: list[Passage] | None,
        model_name: str,
    ) -> Answer:
        raw = "".join(draft.pieces)
        parsed = read_answer(raw, written, schema, self.pack.refusal)
        text = parsed.text
        if written != question.format and parsed.valid:
            text = serialise(parsed.answer, question.format)
        return Answer(
            text=text,
            answer=parsed.answer,
            format=question.format,
            schema=question.schema_name,
            valid=parsed.valid,
            refused=parsed.refused,
            citations=to_citations(parsed.cited, passages or [], text),
            arm=question.arm.name,
            model=model_name,
            usage=draft.usage,
            finish_reason=draft.reason,
            seconds_to_first_token=draft.first_token,
            raw=raw,
            passages=passages or [],
        )
