"""A chat completion request as clients send it, checked, and turned into a question. Knows no HTTP and no model.

What cannot be done is refused with a message that says so; what changes nothing that was promised is taken and left.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.chat import Question
from core.errors import RequestError
from core.pack import DomainPack
from core.sections import sections_of
from core.types import FORMATS, STRUCTURED, Format
from serve.client_schema import check_client_schema
from serve.model_names import ModelTarget

Role = Literal["system", "developer", "user", "assistant"]
# Taken and left alone: how the domain's model decodes is the domain's setting.
IGNORED = (
    "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort",
)  # fmt: skip
# Refused: without them the answer would not be what the client relies on.
_REFUSED = {
    "tools": "tools are not supported: this endpoint answers questions; leave 'tools' out",
    "functions": "functions are not supported: leave 'functions' out",
    "logprobs": "log-probabilities are not given: leave 'logprobs' out",
    "top_logprobs": "log-probabilities are not given: leave 'top_logprobs' out",
    "stop": "stop sequences are not supported: leave 'stop' out and use 'max_tokens'",
    "audio": "this endpoint writes text only: leave 'audio' out",
    "web_search_options": "there is no web search: answers come from the domain's documents",
}


class ChatMessage(BaseModel):
    """One message; content parts are joined into one text."""

    role: Role
    content: str = ""

    @field_validator("role", mode="before")
    @classmethod
    def _known_role(cls, value: Any) -> Any:
        if value not in get_args(Role):
            raise ValueError(f"'{str(value)[:40]}' is not supported: use system, user or assistant")
        return value

    @field_validator("content", mode="before")
    @classmethod
    def _only_text(cls, value: Any) -> Any:
        if value is None:
            return ""
        if not isinstance(value, list):
            return value
        texts = []
        for part in value:
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind != "text" or not isinstance(part.get("text"), str):
                raise ValueError(f"a content part of type '{str(kind)[:40]}' is not supported: send text parts")
            texts.append(part["text"])
        return "\n".join(texts)


class StreamOptions(BaseModel):
    """`include_usage` asks for a last chunk with token counts."""

    include_usage: bool = False


class JsonSchemaFormat(BaseModel):
    """A named JSON Schema; without `schema`, the name is that of one of the domain's own."""

    name: str = ""
    json_schema: dict[str, Any] | None = Field(None, alias="schema")


class ResponseFormat(BaseModel):
    """OpenAI's way to ask for JSON."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None

    @model_validator(mode="after")
    def _schema_is_there(self) -> "ResponseFormat":
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("type json_schema needs the key 'json_schema'")
        return self


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions. `format`, `schema` and `corpus` are Graft's own."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    response_format: ResponseFormat | None = None
    format: Format | None = Field(None, description="text, markdown, json or yaml; the domain's default otherwise.")
    answer_schema: str | dict[str, Any] | None = Field(
        None,
        alias="schema",
        description="For json, yaml and markdown (its sections): a schema of the domain by name, or a JSON Schema.",
    )
    corpus: str | None = Field(None, description="Another corpus of the workspace.")

    @model_validator(mode="before")
    @classmethod
    def _can_be_sent_on(cls, data: Any) -> Any:
        if isinstance(data, bytes):
            raise ValueError("the body is not declared as JSON: send it with Content-Type: application/json")  # noqa: TRY004
        # JSON lets through what no later step can write: halves of characters, NaN and Infinity.
        try:
            json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("a text holds half of a character (a lone surrogate): send valid Unicode") from error
        except ValueError as error:
            raise ValueError("NaN and Infinity are no JSON numbers: leave them out") from error
        return data

    @field_validator("n")
    @classmethod
    def _one_answer(cls, value: int | None) -> int | None:
        if value not in (None, 1):
            raise ValueError("only one answer per request is given: leave 'n' out or set it to 1")
        return value

    @model_validator(mode="after")
    def _nothing_unsupported(self) -> "ChatRequest":
        extra = self.model_extra or {}
        for name, reason in _REFUSED.items():
            if extra.get(name):
                raise ValueError(reason)
        kinds = extra.get("modalities") or []
        if not isinstance(kinds, list) or any(kind != "text" for kind in kinds):
            raise ValueError("this endpoint writes text only: leave 'modalities' out")
        if self.messages[-1].role != "user" or not self.messages[-1].content.strip():
            raise ValueError("messages: the last one must be the user's question")
        return self

    @property
    def has_system_message(self) -> bool:
        """Whether a message tries to set the persona, which is the domain's."""
        return any(message.role in ("system", "developer") for message in self.messages)

    @property
    def ignored_options(self) -> list[str]:
        """Names of options that were given and have no effect."""
        extra = self.model_extra or {}
        return [name for name in IGNORED if extra.get(name) is not None]


def to_question(request: ChatRequest, target: ModelTarget, pack: DomainPack, token_limit: int) -> Question:
    """The question that a request asks of `target`. Raises RequestError.

    Answers that have a shape are always constrained here: a user is promised that they are valid. Longer answers than
    `token_limit` tokens are not asked for, whatever the client allows.
    """
    format, name, schema = _answer_type(request, pack)
    if request.corpus and target.corpus:
        raise RequestError(f"the model's name says which corpora are searched ({target.corpus}): leave 'corpus' out")
    pack.schema_for(format, name)
    if schema is not None:
        check_client_schema(schema)
        _check_sections(format, schema)
    wanted = request.max_completion_tokens or request.max_tokens
    asked = [message.content for message in request.messages if message.role == "user" and message.content.strip()]
    question = Question(
        text=asked[-1],
        arm=target.arm,
        adapter=target.adapter,
        format=format,
        schema_name=name,
        json_schema=schema,
        history=tuple(asked[:-1]),
        max_tokens=min(wanted, token_limit) if wanted else None,
        or_passages=True,
        whole=not request.stream,
    )
    return question.model_copy(update={"constrained": question.has_shape})


def _answer_type(request: ChatRequest, pack: DomainPack) -> tuple[Format, str | None, dict[str, Any] | None]:
    """Format, schema name and schema, from OpenAI's field or Graft's own."""
    openai, own = request.response_format, request.answer_schema
    name = own if isinstance(own, str) else None
    schema = own if isinstance(own, dict) else None
    if openai is None:
        default = pack.defaults.format
        format = request.format or ("json" if own is not None and default not in STRUCTURED else default)
        if own is not None and format == "text":
            raise RequestError("a schema goes with format json, yaml or markdown, not with text: leave one of them out")
        return format, name, schema
    format = "text" if openai.type == "text" else "json"
    if own is not None or request.format not in (None, format):
        raise RequestError(
            f"response_format {openai.type} contradicts 'format' or 'schema': give one of them "
            f"(formats: {', '.join(FORMATS)})"
        )
    if openai.type != "json_schema" or openai.json_schema is None:
        return format, None, None
    if openai.json_schema.json_schema is not None:
        return format, None, openai.json_schema.json_schema
    return format, openai.json_schema.name, None


def _check_sections(format: Format, schema: dict[str, Any]) -> None:
    """Raise RequestError for a schema that names no usable sections of a Markdown answer."""
    if format != "markdown":
        return
    try:
        found = sections_of(schema)
    except ValueError as error:
        raise RequestError(f"the JSON Schema: {error}") from error
    if not found:
        raise RequestError("the schema of a markdown answer needs 'x-sections' (a list of headings), or properties")
