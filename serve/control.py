"""The control API: a served domain for other commands of the same workspace, on a Unix socket of its user alone.

The other end is serve.remote. No keys, no Host check: the file mode of the socket is the guard.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from core.chat import Question
from core.errors import GraftError
from core.service import DomainService
from serve.events import encode_error, encode_event
from serve.streams import ClientGoneError, StreamedResponse, closing, until_disconnected

NDJSON = "application/x-ndjson"
_STILL_LENT_SECONDS = 15.0


class AskBody(BaseModel):
    """A question, and the corpus it is asked of (none: the domain's own)."""

    question: Question
    corpus: str | None = None


class SearchBody(BaseModel):
    """A search."""

    text: str
    k: int = Field(ge=1)
    corpus: str | None = None
    where: dict[str, Any] | None = None


class ActivateBody(BaseModel):
    """The served name of a published adapter; `unchecked`: even if it answers otherwise in vLLM than in PEFT."""

    adapter: str
    unchecked: bool = False


class LendBody(BaseModel):
    """The served name of a published adapter."""

    adapter: str


class IngestBody(BaseModel):
    """How to bring the index up to date."""

    reembed: bool = False
    allow_mass_deletion: bool = False


def create_control_app(service: DomainService) -> FastAPI:
    """The application behind the control socket."""
    app = FastAPI(title="Graft control", docs_url=None, redoc_url=None, openapi_url=None)

    async def on_error(_: Request, error: Exception) -> Response:
        return JSONResponse(encode_error(error), 400 if isinstance(error, GraftError) else 500)

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        message = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        return JSONResponse({"error": {"type": "RequestError", "message": message}}, 400)

    app.add_exception_handler(GraftError, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_error)

    @app.get("/status")
    async def status() -> dict[str, Any]:
        return service.status().model_dump(mode="json")

    @app.get("/fingerprint")
    async def fingerprint() -> dict[str, str]:
        return {"fingerprint": await service.fingerprint()}

    @app.get("/adapters")
    def adapters() -> list[dict[str, Any]]:
        return [info.model_dump(mode="json") for info in service.adapters()]

    @app.get("/corpora")
    def corpora() -> list[dict[str, Any]]:
        return [info.model_dump(mode="json") for info in service.corpora()]

    @app.post("/search")
    async def search(body: SearchBody) -> list[dict[str, Any]]:
        found = service.search(body.text, body.k, body.corpus, body.where)
        return [p.model_dump(mode="json") for p in await found]

    @app.post("/activate")
    async def activate(body: ActivateBody) -> dict[str, Any]:
        await service.activate(body.adapter, unchecked=body.unchecked)
        return {"active": body.adapter}

    @app.post("/answer")
    async def answer(body: AskBody, request: Request) -> Response:
        try:
            found = await until_disconnected(request.receive, service.answer(body.question, body.corpus))
        except ClientGoneError:
            return Response(status_code=499)
        return JSONResponse(found.model_dump(mode="json"))

    @app.post("/stream")
    async def stream(body: AskBody) -> Response:
        return _lines(_events(service, body))

    @app.post("/lend")
    async def lend(body: LendBody) -> Response:
        return _lines(_lend(service, body))

    @app.post("/ingest")
    async def ingest(body: IngestBody) -> Response:
        return _lines(_ingest(service, body))

    return app


async def _events(service: DomainService, body: AskBody) -> AsyncGenerator[str, None]:
    async with closing(service.stream(body.question, body.corpus)) as events:
        async for event in events:
            yield _line(encode_event(event))


async def _lend(service: DomainService, body: LendBody) -> AsyncGenerator[str, None]:
    """A line when the adapter is on loan, and then one now and then; the loan ends when nobody reads them any more."""
    async with service.lend(body.adapter):
        while True:
            yield _line({"lent": body.adapter})
            await asyncio.sleep(_STILL_LENT_SECONDS)


async def _ingest(service: DomainService, body: IngestBody) -> AsyncGenerator[str, None]:
    """Lines of progress, then the result. The work itself goes on when nobody listens any more."""
    loop = asyncio.get_running_loop()
    news: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def tell(stage: str, share: float) -> None:
        # Called from the thread that ingests.
        loop.call_soon_threadsafe(news.put_nowait, {"progress": {"stage": stage, "share": share}})

    work = asyncio.ensure_future(service.ingest(tell, **body.model_dump()))
    work.add_done_callback(lambda _: news.put_nowait(None))
    try:
        while (item := await news.get()) is not None:
            yield _line(item)
        yield _line({"result": work.result()})
    finally:
        work.cancel()


def _lines(lines: AsyncGenerator[str, None]) -> StreamedResponse:
    return StreamedResponse(lines, write_error=lambda error: _line(encode_error(error)), media_type=NDJSON)


def _line(value: dict[str, Any]) -> str:
    # ASCII only: readers split lines at more characters than "\n".
    return json.dumps(value) + "\n"
