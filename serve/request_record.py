"""One record per request to /v1, from its first byte to its last: a line of JSON in the log, and the metrics.

Without a word of what was asked or answered, unless `serve.log_content` says so. Pure ASGI around the application.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.types import Answer

# The command line gives this logger a file of its own (logs/requests.jsonl).
logger = logging.getLogger("graft.requests")
_RECORD = "graft.record"
CLIENT_GONE = 499


@dataclass
class RequestRecord:
    """What is known of a request so far. `model` and `arm` stay empty until they are known to exist."""

    method: str
    path: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    key: str = ""
    user: str = ""
    model: str = ""
    arm: str = ""
    stream: bool = False
    status: int = 0
    error: str = ""
    queue_seconds: float | None = None
    retrieval_seconds: float | None = None
    answer: Answer | None = None
    question: str = ""
    started: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0

    def line(self, *, with_content: bool) -> str:
        """The record as one line of JSON."""
        found: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": self.id,
            "key": self.key,
            "user": self.user,
            "method": self.method,
            "path": self.path,
            "model": self.model,
            "arm": self.arm,
            "stream": self.stream,
            "status": self.status,
            "error": self.error,
            "seconds": round(self.seconds, 4),
            "queue_seconds": _rounded(self.queue_seconds),
            "retrieval_seconds": _rounded(self.retrieval_seconds),
        }
        answer = self.answer
        if answer is not None:
            found |= {
                "first_token_seconds": _rounded(answer.seconds_to_first_token),
                "prompt_tokens": answer.usage.prompt_tokens,
                "completion_tokens": answer.usage.completion_tokens,
                "served": answer.model,
                "format": answer.format,
                "valid": answer.valid,
                "refused": answer.refused,
                "degraded": answer.degraded,
            }
        if with_content:
            found |= {"question": self.question, "answer": answer and answer.text}
        return json.dumps(found)


def record_of(scope: Scope) -> RequestRecord:
    """The record of a request to /v1; outside, one that nobody reads."""
    return scope.get(_RECORD) or RequestRecord(scope.get("method", ""), scope.get("path", ""))


class RecordMiddleware:
    """Keeps the record of each request to /v1 in its scope, and hands it over when the request has ended."""

    def __init__(self, app: ASGIApp, count: Callable[[RequestRecord], None], *, with_content: bool) -> None:
        self._app, self._count, self._with_content = app, count, with_content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        record = scope[_RECORD] = RequestRecord(scope["method"], scope["path"][:200])

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = record.status or message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", record.id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            record.status = record.status or CLIENT_GONE
            record.seconds = time.perf_counter() - record.started
            self._count(record)
            logger.info(record.line(with_content=self._with_content))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
