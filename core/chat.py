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
from langchain_core.messages import AIMessageChunk, convert_to_messages
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel, ConfigDict

from core.answer_text import envelope_schema, read_answer, serialise
from core.arms import Arm
from core.errors import AdapterError, RequestError, ServeError
from core.icl import ExampleSelector
from core.pack import DomainPack
from core.passages import CountTokens, to_citations, to_passages
from core.prompt import Message, PromptRequest, render
from core.settings import GenerateSettings
from core.standalone import standalone_question
from core.types import STRUCTURED, Answer, Format, Passage, Usage


class Question(BaseModel):
    """One question as asked. `history` holds earlier user questions, oldest first; it only makes this one standalone.

    `constrained` None follows the arm; True decodes json and yaml under their schema whatever the arm says.
    `adapter` None means the active one. `icl_examples` None follows the settings; `icl_without`: records not shown.
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
    icl_examples: int | None = None
    icl_without: tuple[str, ...] = ()


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
    """A piece of text to append. json and yaml come in one piece, when they are known to be whole."""

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
    generation (training yields to it).
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
            passages = await self._search(text)
            yield Found(passages, time.perf_counter() - started)
        constrained = question.arm.constrained if question.constrained is None else question.constrained
        constrained = constrained and question.format in STRUCTURED
        # Constrained YAML is decoded as JSON and serialised again: grammars for YAML do not exist in vLLM.
        written: Format = "json" if constrained else question.format
        messages = self.prompt(question, text, passages, schema, written)
        model = self.model_for(model_name)
        extra: dict[str, Any] = {"max_tokens": question.max_tokens or self.generate.max_tokens}
        if constrained and schema is not None:
            grammar = {"json": envelope_schema(schema, len(passages or ())), "disable_any_whitespace": True}
            extra["extra_body"] = {"structured_outputs": grammar}
        collected: AIMessageChunk | None = None
        first_token: float | None = None
        with self.while_answering():
            async for chunk in model.astream(convert_to_messages(messages), **extra):
                if not isinstance(chunk, AIMessageChunk):
                    continue
                collected = chunk if collected is None else collected + chunk
                piece = chunk.text
                if piece and first_token is None:
                    first_token = time.perf_counter() - started
                if piece and question.format not in STRUCTURED:
                    yield Delta(piece)
        if collected is None:
            raise ServeError("the model sent no answer; look into the vLLM log of the workspace")
        answer = self._finish(question, schema, written, collected, passages, model_name)
        answer.seconds_to_first_token = first_token
        answer.seconds = time.perf_counter() - started
        if question.format in STRUCTURED:
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
        documents = await self.retriever.ainvoke(text)
        return to_passages(documents, self.token_budget, self.count_tokens)

    def _schema(self, question: Question) -> dict[str, Any] | None:
        if question.json_schema is not None:
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
        collected: AIMessageChunk,
        passages: list[Passage] | None,
        model_name: str,
    ) -> Answer:
        raw = collected.text
        parsed = read_answer(raw, written, schema, self.pack.refusal)
        text = parsed.text
        if written != question.format and parsed.valid:
            text = serialise(parsed.answer, question.format)
        usage = collected.usage_metadata
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
            usage=Usage(prompt_tokens=usage["input_tokens"], completion_tokens=usage["output_tokens"])
            if usage
            else Usage(),
            finish_reason=collected.response_metadata.get("finish_reason"),
            raw=raw,
            passages=passages or [],
        )
