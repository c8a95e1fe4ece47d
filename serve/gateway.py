"""The OpenAI-compatible endpoint of all domains, with /health, /ready and /metrics. Asks DomainServices, no engine.

The access rules of serve.access cover the whole application, whatever is mounted on it later.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from core.document_store import DocumentStore
from core.service import DomainService, ServiceStatus
from core.sessions import Sessions
from core.settings import ServeSettings
from core.users import UserList
from serve.access import AccessMiddleware, is_trusted
from serve.answer_desk import AnswerDesk
from serve.chat_request import ChatRequest
from serve.completions import model_list
from serve.documents import document_routes
from serve.early_refusal import EarlyRefusal
from serve.http_errors import add_error_handlers
from serve.metrics import Metrics
from serve.model_names import UnknownModelError, list_models
from serve.request_record import RecordMiddleware


def create_app(
    services: Sequence[DomainService],
    settings: ServeSettings,
    engine_counts: Callable[[], Mapping[str, float]] = dict,
    documents: DocumentStore | None = None,
    users: UserList | None = None,
    sessions: Sessions | None = None,
) -> FastAPI:
    """The application: /v1, /health, /ready, /metrics. Raises ServeError when the access rules cannot be read.

    The first of `services` is the main domain. `engine_counts` gives what vLLM counts, for /metrics: see Engine.
    With `documents`, the cited documents can be read at /documents. With `users` every request needs one of them, by
    key or (`sessions`) login.
    """
    # The interactive documentation would load its scripts from a CDN.
    app = FastAPI(title="Graft", docs_url=None, redoc_url=None)
    add_error_handlers(app)

    def statuses() -> list[ServiceStatus]:
        return [service.status() for service in services]

    desk = AnswerDesk(services, settings)
    metrics = Metrics(engine_counts, desk.counts, statuses)
    app.add_middleware(EarlyRefusal, is_full=desk.is_full)  # innermost: after keys and limits
    app.add_middleware(AccessMiddleware, settings=settings, users=users, sessions=sessions)
    app.add_middleware(RecordMiddleware, count=metrics.count, with_content=settings.log_content)
    if documents is not None:
        app.include_router(document_routes(documents))
    started = time.time()

    def models() -> list[dict[str, Any]]:
        return model_list(list_models(services), started)

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
        found = statuses()
        is_ready = all(status.ready for status in found)
        details = _details(found) if is_trusted(request.scope) else {}
        return JSONResponse({**details, "ready": is_ready}, 200 if is_ready else 503)

    @app.get("/metrics")
    async def show_metrics() -> Response:
        text = await asyncio.to_thread(metrics.text)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return app


def _details(statuses: Sequence[ServiceStatus]) -> dict[str, Any]:
    """What /ready tells besides: the main domain's state, and that of each domain by name."""
    states = [{"ready": status.ready, **status.model_dump(mode="json")} for status in statuses]
    return {**states[0], "domains": {state["domain"]: state for state in states}}
