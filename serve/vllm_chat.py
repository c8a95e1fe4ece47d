"""A LangChain chat model over vLLM's stream of events, as thin as it can be. Knows no prompt and no retry.

langchain-openai does the same with several validated objects per token, which costs 0.2 ms of a core that vLLM needs.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from core.errors import ModelDownError, RequestError, ServeError


class VllmChat(BaseChatModel):
    """Model `model` of the server that `client` speaks to. Options of a call go into the request as they are.

    Raises RequestError for what vLLM refuses, ModelDownError when it fails; httpx's own errors when it is not reached.
    """

    model: str
    client: Any  # httpx.AsyncClient
    temperature: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "vllm"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise ServeError("this chat model is asynchronous: use ainvoke or astream")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002  the caller reports tokens itself
        **options: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        extra = options.pop("extra_body", None) or {}
        body = {
            "model": self.model,
            "messages": convert_to_openai_messages(messages),
            "temperature": self.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
            **({"stop": stop} if stop else {}),
            **options,
            **extra,
        }
        async with self.client.stream("POST", "/v1/chat/completions", json=body) as response:
            if response.is_error:
                await response.aread()
                raise _refusal(response)
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    for chunk in _chunks(json.loads(line[6:])):
                        yield ChatGenerationChunk(message=chunk)


def _chunks(event: dict[str, Any]) -> Iterator[AIMessageChunk]:
    if "error" in event:
        raise ModelDownError(f"the language model has failed: {_message(event)}")
    for choice in event.get("choices", ()):
        reason = choice.get("finish_reason")
        text = choice["delta"].get("content") or ""
        if text or reason:
            yield AIMessageChunk(content=text, response_metadata={"finish_reason": reason} if reason else {})
    usage = event.get("usage")
    if usage:
        read, written = usage["prompt_tokens"], usage.get("completion_tokens", 0)
        counts = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
        yield AIMessageChunk(content="", usage_metadata=counts)


def _refusal(response: httpx.Response) -> Exception:
    try:
        message = _message(response.json())
    except ValueError:
        message = response.text[:200]
    if response.status_code == httpx.codes.BAD_REQUEST:
        return RequestError(f"the language model cannot take this request: {message}")
    if response.status_code >= 500:
        return ModelDownError(f"the language model has failed: {message}")
    return ServeError(f"the language model refused the request: {message}")


def _message(body: Any) -> str:
    error = body.get("error", body) if isinstance(body, dict) else body
    return " ".join(str(error.get("message", error) if isinstance(error, dict) else error).split())
