"""The OpenAI-compatible endpoint of one domain, with /health and /ready. Asks a DomainService; knows no engine.

The access rules of serve.access cover the whole application, whatever is mounted on it later.
"""

import logging
import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from core.chat import Delta, Done, Event, Question
from core.errors import ServeError
from core.service import DomainService
from core.settings import ServeSettings
from core.types import STRUCTURED, Answer
from serve.access import AccessMiddleware, is_trusted
from serve.admission import Admission
from serve.chat_request import ChatRequest, to_question
from serve.completions import Completion, model_list
from serve.http_errors import InvalidAnswerError, add_error_handlers, describe_error, error_body
from serve.model_names import UnknownModelError, list_models, resolve_model
from serve.streams import ClientGoneError, StreamedResponse, closing, until_disconnected

logger = logging.getLogger(__name__)


def create_app(service: DomainService, settings: ServeSettings) -> FastAPI:
    """The application: /v1, /health, /ready. Raises ServeError when the access rules cannot be read."""
    # The interactive documentation would load its scripts from a CDN.
    app = FastAPI(title="Graft", docs_url=None, redoc_url=None)
    add_error_handlers(app)
    app.add_middleware(AccessMiddleware, settings=settings)
    desk = AnswerDesk(service, settings)
    started = time.time()

    def models() -> list[dict[str, Any]]:
        active = service.status().adapter is not None
        return model_list(list_models(service.pack, service.adapters(), adapter_active=active), started)

    @app.get("/v1/models")
    def list_all() -> JSONResponse:
        return JSONResponse({"object": "list", "data": models()})

    @app.get("/v1/models/{name:path}")
    def show(name: str) -> JSONResponse:
        entries = models()
        entry = next((entry for entry in entries if entry["id"] == name), None)
        if entry is None:
            raise UnknownModelError(name, [entry["id"] for entry in entries])
        return JSONResponse(entry)

    @app.post("/v1/chat/completions")
    async def chat(body: ChatRequest, request: Request) -> Response:
        return await desk.respond(body, request)

    @app.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nothing_here() -> None:
        # Without this, the page mounted at "/" would answer.
        raise HTTPException(404)

    @app.get("/health")
    def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/ready")
    def ready(request: Request) -> JSONResponse:
        status = service.status()
        details = status.model_dump(mode="json") if is_trusted(request.scope) else {}
        return JSONResponse({"ready": status.ready, **details}, 200 if status.ready else 503)

    return app


class AnswerDesk:
    """Takes chat requests, queues them, and answers whole or as a stream."""

    def __init__(self, service: DomainService, settings: ServeSettings) -> None:
        self._service = service
        self._queue = Admission(settings.max_num_seqs, settings.max_waiting)
        # Half of the context window: the other half is for the prompt.
        self._token_limit = settings.max_model_len // 2

    async def respond(self, body: ChatRequest, request: Request) -> Response:
        """Answer one request. Raises GraftError while nothing has been sent yet."""
        target = resolve_model(body.model, self._service)
        pack = self._service.pack
        question = to_question(body, target, pack, self._token_limit)
        completion = Completion(body.model, pack.refusal, body.corpus or pack.name)
        headers = {}
        if body.has_system_message:
            headers["X-Graft-System-Message"] = "ignored"
        if body.ignored_options:
            headers["X-Graft-Ignored"] = ", ".join(body.ignored_options)
        if body.stream:
            include_usage = body.stream_options is not None and body.stream_options.include_usage
            chunks = self._chunks(question, body.corpus, completion, include_usage=include_usage)
            return StreamedResponse(chunks, write_error=_error_event, media_type="text/event-stream", headers=headers)
        try:
            answer = await until_disconnected(request.receive, self._answer(question, body.corpus))
        except ClientGoneError:
            logger.info("client gone model=%s", body.model)
            return Response(status_code=499)
        _log(completion.model, answer)
        return JSONResponse(completion.whole(answer), headers=headers)

    async def _chunks(
        self, question: Question, corpus: str | None, completion: Completion, *, include_usage: bool
    ) -> AsyncGenerator[str, None]:
        """Server-sent events. Structured answers come in one piece, once they are known to be valid."""
        answer: Answer | None = None
        if question.format in STRUCTURED:
            answer = await self._answer(question, corpus)
            yield completion.first_chunk()
            yield completion.text_chunk(answer.text)
        else:
            head = completion.first_chunk()
            async with closing(self._events(question, corpus)) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        yield head + completion.text_chunk(event.text)
                        head = ""
                    elif isinstance(event, Done):
                        answer = event.answer
            if head:
                yield head
        if answer is None:
            raise ServeError("the answer stream ended without an answer; look into the vLLM log of the workspace")
        _log(completion.model, answer)
        yield completion.last_chunks(answer, include_usage=include_usage)

    async def _answer(self, question: Question, corpus: str | None) -> Answer:
        """The whole answer. One in json or yaml is valid, or InvalidAnswerError is raised."""
        answer = await self._complete(question, corpus)
        if answer.valid or question.format not in STRUCTURED:
            return answer
        cut_off = answer.finish_reason == "length"
        if cut_off and question.max_tokens is None:
            answer = await self._complete(question.model_copy(update={"max_tokens": self._token_limit}), corpus)
            if answer.valid:
                return answer
            cut_off = answer.finish_reason == "length"
        logger.warning("invalid %s answer model=%s finish=%s", question.format, answer.model, answer.finish_reason)
        if cut_off:
            raise InvalidAnswerError(
                f"the {question.format} answer was cut off: raise max_tokens, or ask for less at once"
            )
        raise InvalidAnswerError(f"the model's {question.format} answer does not match its schema: ask in other words")

    async def _complete(self, question: Question, corpus: str | None) -> Answer:
        async with closing(self._events(question, corpus)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return event.answer
        raise ServeError("the answer stream ended without an answer; look into the vLLM log of the workspace")

    async def _events(self, question: Question, corpus: str | None) -> AsyncGenerator[Event, None]:
        async with self._queue.admit(), closing(self._service.stream(question, corpus)) as events:
            async for event in events:
                yield event


def _error_event(error: Exception) -> str:
    _, message, kind, code = describe_error(error)
    return f"data: {error_body(message, kind, code)}\n\n"


def _log(model: str, answer: Answer) -> None:
    """One line per answer, without a word of its content."""
    logger.info(
        "answer model=%s arm=%s served=%s format=%s refused=%s prompt_tokens=%d completion_tokens=%d seconds=%.3f",
        model,
        answer.arm,
        answer.model,
        answer.format,
        answer.refused,
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        answer.seconds,
    )
