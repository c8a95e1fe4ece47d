"""Takes chat requests, queues them, and answers whole or as a stream; the desk behind POST /v1/chat/completions."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from fastapi import Request
from starlette.responses import JSONResponse, Response

from core.chat import Delta, Done, Event, Found, Question
from core.errors import ServeError
from core.service import DomainService
from core.settings import ServeSettings
from core.types import Answer
from serve.admission import Admission
from serve.chat_request import ChatRequest, to_question
from serve.completions import Completion
from serve.http_errors import InvalidAnswerError, describe_error, error_body
from serve.model_names import ModelTarget, resolve_arm, resolve_model
from serve.request_record import CLIENT_GONE, RequestRecord, record_of
from serve.streams import ClientGoneError, StreamedResponse, closing, until_disconnected


class AnswerDesk:
    """Answers requests of all domains, in one queue: they share the model. For one event loop."""

    def __init__(self, services: Sequence[DomainService], settings: ServeSettings) -> None:
        self._services = services
        self._queue = Admission(settings.max_num_seqs, settings.max_waiting)
        # Half of the context window: the other half is for the prompt.
        self._token_limit = settings.max_model_len // 2

    def counts(self) -> Mapping[str, float]:
        """How many requests wait and how many are being answered."""
        return self._queue.counts()

    def is_full(self) -> bool:
        """Whether one more request would be refused now."""
        return self._queue.is_full

    async def respond(self, body: ChatRequest, request: Request) -> Response:
        """Answer one request. Raises GraftError while nothing has been sent yet."""
        service, target = await self._resolve(body.model)
        pack = service.pack
        question = to_question(body, target, pack, self._token_limit)
        corpus = body.corpus or target.corpus
        record = record_of(request.scope)
        record.model, record.arm, record.stream, record.question = (
            body.model,
            target.arm.name,
            body.stream,
            question.text,
        )
        job = _Job(service, question, corpus, Completion(body.model, pack.refusal, corpus or pack.name), record)
        headers = {}
        if body.has_system_message:
            headers["X-Graft-System-Message"] = "ignored"
        if body.ignored_options:
            headers["X-Graft-Ignored"] = ", ".join(body.ignored_options)
        if body.stream:
            include_usage = body.stream_options is not None and body.stream_options.include_usage
            chunks = self._chunks(job, include_usage=include_usage)
            write_error = job.error_event
            return StreamedResponse(chunks, write_error=write_error, media_type="text/event-stream", headers=headers)
        try:
            answer = await until_disconnected(request.receive, self._answer(job))
        except ClientGoneError:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(job.completion.whole(answer), headers=headers)

    async def _resolve(self, name: str) -> tuple[DomainService, ModelTarget]:
        # Adapters and corpora are looked up in files, which other requests must not wait for.
        return resolve_arm(name, self._services) or await asyncio.to_thread(resolve_model, name, self._services)

    async def _chunks(self, job: "_Job", *, include_usage: bool) -> AsyncGenerator[str, None]:
        """Server-sent events. Answers with a shape come in one piece, once they are known to be valid."""
        completion = job.completion
        head = completion.first_chunk()
        answer: Answer | None = None
        try:
            async with closing(self._events(job)) as events:
                async for event in events:
                    if isinstance(event, Delta) and not job.question.has_shape:
                        yield head + completion.text_chunk(event.text)
                        head = ""
                    elif isinstance(event, Done):
                        answer = _checked(event.answer, job)
        except (GeneratorExit, asyncio.CancelledError):
            job.record.status = CLIENT_GONE
            raise
        if answer is None:
            raise ServeError("the answer stream ended without an answer; look into the vLLM log of the workspace")
        if job.question.has_shape:
            yield head + completion.text_chunk(answer.text)
        elif head:
            yield head
        yield completion.last_chunks(answer, include_usage=include_usage)

    async def _answer(self, job: "_Job") -> Answer:
        async with closing(self._events(job)) as events:
            async for event in events:
                if isinstance(event, Done):
                    return _checked(event.answer, job)
        raise ServeError("the answer stream ended without an answer; look into the vLLM log of the workspace")

    async def _events(self, job: "_Job") -> AsyncGenerator[Event, None]:
        async with self._queue.admit() as waited:
            job.record.queue_seconds = waited
            async with closing(job.service.stream(job.question, job.corpus)) as events:
                async for event in events:
                    if isinstance(event, Found):
                        job.record.retrieval_seconds = event.seconds
                    elif isinstance(event, Done):
                        job.record.answer = event.answer
                    yield event


class _Job:
    """One request on its way through the desk."""

    def __init__(
        self,
        service: DomainService,
        question: Question,
        corpus: str | None,
        completion: Completion,
        record: RequestRecord,
    ) -> None:
        self.service, self.question, self.corpus = service, question, corpus
        self.completion, self.record = completion, record

    def error_event(self, error: Exception) -> str:
        """An error in the middle of a stream, as its last event."""
        self.record.status, message, kind, self.record.error = describe_error(error)
        return f"data: {error_body(message, kind, self.record.error)}\n\n"


def _checked(answer: Answer, job: _Job) -> Answer:
    """The answer, if it is what was promised. Raises InvalidAnswerError; a second try has been made by now."""
    if answer.valid or not job.question.has_shape:
        return answer
    format = job.question.format
    match answer.finish_reason:
        case "length":
            problem = "was cut off: raise max_tokens, or ask for less at once"
        case "loop":
            problem = "repeats itself without end: ask in other words"
        case _ if format == "markdown":
            problem = "lacks sections that its schema asks for: ask in other words"
        case _:
            problem = "does not match its schema: ask in other words"
    raise InvalidAnswerError(f"the model's {format} answer {problem}")
