"""Which language a request is read in: the address says, else what was chosen here before, else what the browser asks.

English is at `/`, every other language at a path of its own (`/zh/`): an address can be kept and sent. So it is below
the place of each domain (`/d/helpdesk/`, `/d/helpdesk/zh/`). Pure ASGI.
"""

import re
from typing import cast

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.cookies import cookie
from ui.html_traffic import opens_page
from ui.language import ENGLISH, LANGUAGES, Language, language, speaking
from ui.places import at, here, place, place_in

COOKIE = "graft_language"
CHOICE_PATH = "/language"
_YEAR_SECONDS = 365 * 24 * 3600
_STAY = "language=en"
_ASKED = re.compile(r"\s*([A-Za-z]+)[\w-]*\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?")


def page_path(language: Language) -> str:
    """Where this domain's page in a language is, with a slash at its end."""
    return here("/" if language == ENGLISH else f"/{language}/")


def page_address() -> str:
    """Where this domain's page is in the language that is spoken, also for browsers that ask for another one."""
    # The mark keeps a browser that takes no cookies from being sent back.
    return page_path(language()) + (f"?{_STAY}" if language() == ENGLISH else "")


class Languages:
    """Sets place and language of every request; who opens `/` and reads another language is sent to its page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or to another page."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        with at(place_in(scope["path"])):
            wanted = _of_path(scope["path"]) or chosen(Headers(scope=scope))
            query = scope.get("query_string", b"").decode("latin-1")
            front = _front(scope["path"], query, wanted) if opens_page(scope) else None
            if front is not None:
                target = front + (f"?{query}" if query else "")
                await RedirectResponse(target, 307, {"Cache-Control": "no-store"})(scope, receive, send)
                return
            with speaking(wanted):
                await self.app(scope, receive, send)


def language_routes() -> APIRouter:
    """The addresses behind the switch in the masthead: they keep the choice in a cookie and lead to its page."""
    router = APIRouter()

    @router.get(CHOICE_PATH + "/{code}", include_in_schema=False)
    async def choose(code: str) -> Response:
        chosen = cast(Language, code) if code in LANGUAGES else ENGLISH
        with speaking(chosen):
            answer = RedirectResponse(page_address(), 303, {"Cache-Control": "no-store"})
        answer.set_cookie(COOKIE, chosen, max_age=_YEAR_SECONDS, samesite="lax")
        return answer

    return router


def chosen(headers: Headers) -> Language:
    """What the browser's user chose before, else the first of its languages that the page speaks, else English."""
    kept = cookie(headers.get("cookie", ""), COOKIE)
    if kept in LANGUAGES:
        return cast(Language, kept)
    found = [_ASKED.fullmatch(part) for part in headers.get("accept-language", "").split(",")]
    asked = sorted((one for one in found if one and _weight(one.group(2))), key=lambda one: -_weight(one.group(2)))
    known = (one.group(1).lower() for one in asked)
    return cast(Language, next((code for code in known if code in LANGUAGES), ENGLISH))


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def _of_path(path: str) -> Language | None:
    below = path.removeprefix(place())
    first = below.split("/", 2)[1] if below.startswith("/") else ""
    return cast(Language, first) if first in LANGUAGES and first != ENGLISH else None


def _front(path: str, query: str, wanted: Language) -> str | None:
    """Where to send whoever opens a domain's page: to another language's, or to one with the slash at its end."""
    stays = wanted == ENGLISH or _STAY in query
    if path in {here("/"), here(f"/{wanted}")} and not stays:
        return page_path(wanted)
    if path == place():
        return page_path(ENGLISH if stays else wanted)
    return None
