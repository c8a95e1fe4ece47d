"""Errors as HTTP answers in OpenAI's shape. Knows every GraftError's status; shows no stack trace to a client."""

import json
import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from core.errors import (
    AdapterError,
    GraftError,
    ModelDownError,
    NotAllowedError,
    OverloadedError,
    RequestError,
    ServeError,
    TooSlowError,
)
from serve.model_names import UnknownModelError
from serve.request_record import record_of

logger = logging.getLogger(__name__)
_RETRY_SECONDS = 5
INTERNAL = "this is an error in Graft itself: the log of the workspace (logs/graft.log) holds the details"


class InvalidAnswerError(ServeError):
    """What the model wrote does not match the schema it was promised to match; the message says what was wrong."""


def error_body(message: str, kind: str, code: str) -> str:
    """The JSON text of one error."""
    # ASCII only: a message may quote what a client sent, lone surrogates included.
    return json.dumps({"error": {"message": message, "type": kind, "code": code, "param": None}})


def error_response(
    status: int, message: str, kind: str, code: str, headers: Mapping[str, str] | None = None
) -> Response:
    """One error as a response."""
    return Response(error_body(message, kind, code), status, headers, media_type="application/json")


def describe_error(error: Exception) -> tuple[int, str, str, str]:
    """Status, message, type and code of an exception; one that is no GraftError keeps its content to itself."""
    match error:
        case UnknownModelError():
            return 404, str(error), "invalid_request_error", "model_not_found"
        case NotAllowedError():
            return 403, str(error), "permission_error", "not_allowed"
        case RequestError():
            return 400, str(error), "invalid_request_error", "invalid_request"
        case AdapterError():
            return 404, str(error), "invalid_request_error", "adapter_not_available"
        case OverloadedError():
            return 503, str(error), "overloaded_error", "overloaded"
        case InvalidAnswerError():
            return 502, str(error), "server_error", "invalid_answer"
        case ModelDownError():
            return 503, str(error), "server_error", "model_down"
        case TooSlowError():
            return 503, str(error), "server_error", "too_slow"
        case ServeError():
            return 503, str(error), "server_error", "not_ready"
        case GraftError():
            return 500, str(error), "server_error", "failed"
        case _:
            return 500, INTERNAL, "server_error", "internal_error"


def respond_with(scope: Scope, error: Exception) -> Response:
    """The response to an exception."""
    status, message, kind, code = describe_error(error)
    record_of(scope).error = code
    headers = {"Retry-After": str(getattr(error, "retry_after", _RETRY_SECONDS))} if status == 503 else None
    return error_response(status, message, kind, code, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Give `app` this module's answer to every kind of error."""

    async def on_error(request: Request, error: Exception) -> Response:
        return respond_with(request.scope, error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        record_of(request.scope).error = "invalid_request"
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        reason = str(first["msg"]).removeprefix("Value error, ")
        return error_response(
            400, f"{where}: {reason}" if where else reason, "invalid_request_error", "invalid_request"
        )

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = error.detail
        if error.status_code == 404:
            message = f"there is nothing at {request.url.path}: see /v1/models and /v1/chat/completions"
        elif error.status_code == 405:
            message = f"{request.url.path} does not take {request.method}"
        record_of(request.scope).error = f"http_{error.status_code}"
        kind = "server_error" if error.status_code >= 500 else "invalid_request_error"
        return error_response(error.status_code, message, kind, f"http_{error.status_code}", error.headers)

    app.add_exception_handler(GraftError, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_error)
