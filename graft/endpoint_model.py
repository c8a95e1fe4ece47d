"""A model behind an OpenAI-compatible endpoint, for the chat pipeline: shapes are asked for in the endpoint's words.

The pipeline asks for decoding under a grammar as vLLM has it. Other endpoints know JSON Schemas at most: then they get
that, and those that refuse it get nothing. What they write is looked at by the pipeline either way.
"""

from collections.abc import AsyncIterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from graft.teacher import endpoint_errors, json_schema_format


class EndpointModel(BaseChatModel):
    """Passes questions on to `inner`, whose endpoint is called `endpoint` in messages. Raises ServeError."""

    inner: BaseChatModel
    endpoint: str
    _constrained: bool = PrivateAttr(default=True)

    @property
    def _llm_type(self) -> str:
        return "endpoint"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        raise NotImplementedError("the pipeline streams")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **options: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        import openai

        extra = dict(options.pop("extra_body", None) or {})
        schema = extra.pop("structured_outputs", {}).get("json")
        plain = {**options, "stop": stop, **({"extra_body": extra} if extra else {})}
        with endpoint_errors(self.endpoint):
            if schema is None or not self._constrained:
                async for chunk in self._pieces(messages, plain):
                    yield chunk
                return
            # A hint to Graft's own vLLM about white space; strict endpoints refuse keys they do not know.
            shape = json_schema_format({key: value for key, value in schema.items() if key != "x-guidance"})
            refused = False
            try:
                async for chunk in self._pieces(messages, {**plain, "extra_body": {**extra, "response_format": shape}}):
                    yield chunk
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                refused = True
            if refused:
                async for chunk in self._pieces(messages, plain):
                    self._constrained = False  # only now: a request that fails both ways says nothing about schemas
                    yield chunk

    async def _pieces(self, messages: list[BaseMessage], options: dict[str, Any]) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in self.inner.astream(messages, **options):
            if isinstance(chunk, AIMessageChunk):
                yield ChatGenerationChunk(message=chunk)
