"""What a user can take along, as files: one conversation, or everything. Each gets only what is their own."""

import json
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from core.chat_files import ChatFiles
from core.conversations import ConversationStore
from core.errors import RequestError
from core.feedback_store import FeedbackStore
from ui.export import as_json, as_markdown, file_name
from ui.language import spoken, t
from ui.places import here
from ui.visitors import user_of

PREFIX = "/mine"
_EVERYTHING = f"{PREFIX}/everything.json"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def conversation_path(conversation: str, suffix: str) -> str:
    """The address of a conversation as a file; `suffix` is md or json."""
    return here(f"{PREFIX}/conversations/{quote(conversation, safe='')}.{suffix}")


def own_file_path(conversation: str, source: str) -> str:
    """The address of a file that was added to a conversation."""
    return here(f"{PREFIX}/files/{quote(conversation, safe='')}/{quote(source, safe='')}")


def everything_path() -> str:
    """The address of all that is kept of a user about this domain."""
    return here(_EVERYTHING)


def download_routes(
    conversations: ConversationStore, feedback: FeedbackStore, files: ChatFiles | None = None
) -> APIRouter:
    """The routes of one domain's page, below its place."""
    router = APIRouter()

    # Not async: the database blocks.
    @router.get(PREFIX + "/conversations/{name}", include_in_schema=False)
    def conversation(name: str, request: Request) -> Response:
        identity, _, suffix = name.rpartition(".")
        writers = {"md": (as_markdown, "text/markdown"), "json": (as_json, "application/json")}
        user = user_of(request)
        if user is None or suffix not in writers:
            return _missing(t("there is no such file of yours"))
        try:
            found = conversations.read(user, identity)
        except RequestError as error:
            return _missing(spoken(str(error)))
        write, kind = writers[suffix]
        return _file(write(found), file_name(found, suffix), kind)

    @router.get(PREFIX + "/files/{conversation}/{source}", include_in_schema=False)
    def own_file(conversation: str, source: str, request: Request) -> Response:
        user = user_of(request)
        if user is None or files is None:
            return _missing(t("there is no such file of yours"))
        try:
            content = files.content(user, conversation, source)
        except RequestError as error:
            return _missing(spoken(str(error)))
        return _file(content, source, "application/octet-stream")

    @router.get(_EVERYTHING, include_in_schema=False)
    def everything(request: Request) -> Response:
        user = user_of(request)
        if user is None:
            return _missing(t("this browser keeps no cookies, so nothing of yours is kept here"))
        found = [conversations.read(user, info.id) for info in conversations.find(user, limit=None)]
        kept = {"conversations": found, "ratings": feedback.ratings(user), "votes": feedback.votes(user)}
        content: dict[str, Any] = {
            name: [item.model_dump(mode="json", by_alias=True) for item in items] for name, items in kept.items()
        }
        content["files"] = [
            {"conversation": info.id, **file.model_dump(mode="json"), "address": own_file_path(info.id, file.source)}
            for info in found
            for file in (files.files(user, info.id) if files is not None else ())
        ]
        return _file(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "graft.json", "application/json")

    return router


def _file(text: str | bytes, name: str, kind: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(text, media_type=kind, headers={**_HEADERS, "Content-Disposition": disposition})


def _missing(message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, 404, headers=_HEADERS)
