"""Chat events and errors as JSON objects and back, for the control socket. Both ends are Graft of one version."""

from collections.abc import Mapping
from typing import Any

from core import errors
from core.chat import Delta, Done, Event, Found, Searching
from core.errors import GraftError, OverloadedError, ServeError
from core.types import Answer, Passage


def encode_event(event: Event) -> dict[str, Any]:
    """A chat event as one object; its key `event` names the kind."""
    match event:
        case Searching():
            return {"event": "searching"}
        case Found(passages, seconds):
            return {"event": "found", "passages": [p.model_dump() for p in passages], "seconds": seconds}
        case Delta(text):
            return {"event": "delta", "text": text}
        case Done(answer):
            return {"event": "done", "answer": answer.model_dump(mode="json")}


def decode_event(data: Mapping[str, Any]) -> Event:
    """The event that `encode_event` wrote. Raises the GraftError that stands in its place, if one does."""
    match data:
        case {"event": "searching"}:
            return Searching()
        case {"event": "found", "passages": passages, "seconds": seconds}:
            return Found([Passage.model_validate(p) for p in passages], seconds)
        case {"event": "delta", "text": text}:
            return Delta(text)
        case {"event": "done", "answer": answer}:
            return Done(Answer.model_validate(answer))
        case {"error": error}:
            raise decode_error(error)
        case _:
            raise ServeError("the serving process speaks another version: restart graft up")


def encode_error(error: Exception) -> dict[str, Any]:
    """An error by its class, so that the other end raises the same; one that is no GraftError becomes a ServeError."""
    if not isinstance(error, GraftError):
        message = f"the serving process failed with {type(error).__name__}: its log (logs/graft.log) holds the details"
        return {"error": {"type": "ServeError", "message": message}}
    # A subclass that the other end may not know travels as its nearest relative in core.errors.
    known = next(c for c in type(error).__mro__ if getattr(errors, c.__name__, None) is c)
    body: dict[str, Any] = {"type": known.__name__, "message": str(error)}
    if isinstance(error, OverloadedError):
        body["retry_after"] = error.retry_after
    return {"error": body}


def decode_error(error: Mapping[str, Any]) -> GraftError:
    """The error that `encode_error` wrote, to be raised."""
    message = str(error.get("message", "the serving process failed without a message"))
    kind = getattr(errors, str(error.get("type")), None)
    if kind is OverloadedError:
        return OverloadedError(message, int(error.get("retry_after", 5)))
    if isinstance(kind, type) and issubclass(kind, GraftError):
        return kind(message)
    return ServeError(message)
