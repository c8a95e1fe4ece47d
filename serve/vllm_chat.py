"""A LangChain chat model over vLLM's stream of events, as thin as it can be. Knows no prompt and no retry.

langchain-openai does the same with several validated objects per token over httpx, which costs nearly a millisecond of
a core that vLLM needs; this costs a tenth.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from core.errors import ModelDownError, RequestError, ServeError, TooSlowError


class VllmChat(BaseChatModel):
    """Model `model` of the server at `url` (its root). Options of a call go into the request as they are.

    `session` gives the HTTP session for the running event loop. `tokens_at_once`: how many tokens come in one piece,
    after the first; each piece costs vLLM and us some work. Raises RequestError for what vLLM refuses, ModelDownError
    when it fails or cannot be reached, TooSlowError when it is silent for too long.
    """

    model: str
    url: str
    session: Callable[[], Awaitable[Any]]
    temperature: float = 0.0
    tokens_at_once: int = 1

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
            **({"stream_interval": self.tokens_at_once} if self.tokens_at_once > 1 else {}),
            **({"stop": stop} if stop else {}),
            **options,
            **extra,
        }
        session: aiohttp.ClientSession = await self.session()
        try:
            async with await self._post(session, body) as response:
                if not response.ok:
                    raise _refusal(response.status, await response.text(errors="replace"))
                async for events in _read_events(response.content.iter_any()):
                    chunk = _chunk(events)
                    if chunk is not None:
                        yield ChatGenerationChunk(message=chunk)
        except (TimeoutError, aiohttp.ClientError) as error:
            # aiohttp's own timeouts are of both classes. One that nobody could connect to was not slow.
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
                raise TooSlowError("the model took too long to answer: try again, or ask something shorter") from error
            raise ModelDownError(
                "the language model cannot be reached; it restarts by itself, try again in a minute"
            ) from error

    async def _post(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> aiohttp.ClientResponse:
        url = f"{self.url}/v1/chat/completions"
        try:
            return await session.post(url, json=body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # vLLM may hang up on a kept connection at the very moment that it is used again. Nothing has come yet.
            return await session.post(url, json=body)


async def _read_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[dict[str, Any]]]:
    """The events of a stream, those together that arrived together."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


def _chunk(events: list[dict[str, Any]]) -> AIMessageChunk | None:
    """What several events say, in one; None: nothing."""
    text, metadata, usage = "", {}, None
    for event in events:
        if "error" in event:
            raise ModelDownError(f"the language model has failed: {_message(event)}")
        for choice in event.get("choices", ()):
            text += choice["delta"].get("content") or ""
            if choice.get("finish_reason"):
                metadata = {"finish_reason": choice["finish_reason"]}
        if counts := event.get("usage"):
            read, written = counts["prompt_tokens"], counts.get("completion_tokens", 0)
            usage = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
    if not (text or metadata or usage):
        return None
    return AIMessageChunk(content=text, response_metadata=metadata, usage_metadata=usage)


def _refusal(status: int, text: str) -> Exception:
    try:
        message = _message(json.loads(text))
    except ValueError:
        message = text[:200]
    if status == 400:
        return RequestError(f"the language model cannot take this request: {message}")
    if status >= 500:
        return ModelDownError(f"the language model has failed: {message}")
    return ServeError(f"the language model refused the request: {message}")


def _message(body: Any) -> str:
    error = body.get("error", body) if isinstance(body, dict) else body
    return " ".join(str(error.get("message", error) if isinstance(error, dict) else error).split())
