"""Logging in and out, and changing one's password: plain forms and one cookie. Works without any script.

Only there where a list of users is set. What a session is stands in core.sessions, how the pages look in render_login.
"""

import asyncio
import logging
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from core.errors import GraftError
from core.sessions import LOGIN_PATH, LOGOUT_PATH, Sessions, cookie_header
from core.users import User, set_password
from ui.attempts import Attempts
from ui.language import spoken, t
from ui.render_account import PASSWORD_PATH
from ui.render_login import LOGIN_POLICY, login_page, password_page

logger = logging.getLogger(__name__)
_LONGEST_FORM = 16 << 10
_HASHES_AT_ONCE = 2
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": LOGIN_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": the form would be sent as from nowhere, and refused by serve.access.
    "Referrer-Policy": "same-origin",
}


class LoginDesk:
    """Checks names and passwords, not too many at once and not too often."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self.attempts = sessions, Attempts()
        # Each check takes a core and 32 MiB for some tenths of a second.
        self._checks = asyncio.Semaphore(_HASHES_AT_ONCE)

    async def check(self, name: str, password: str, address: str) -> User | int:
        """The user, or the seconds to wait before another try: 0 where name or password was wrong."""
        wait = self.attempts.seconds_to_wait(name, address)
        if wait:
            return wait
        # Counted before it is checked: else many tries at once would all get past the count.
        self.attempts.failed(name, address)
        async with self._checks:
            user = await run_in_threadpool(self.sessions.users.check, name, password)
        if user is None:
            logger.warning("a login failed from %s", address)
            return 0
        self.attempts.succeeded(name, address)
        return user


def login_routes(sessions: Sessions, title: str) -> APIRouter:
    """The routes, for a page called `title`."""
    router, desk = APIRouter(include_in_schema=False), LoginDesk(sessions)

    @router.get(LOGIN_PATH)
    def show(request: Request) -> Response:
        wanted = own_path(request.query_params.get("next", ""))
        if sessions.user_of(request.headers.get("cookie", "")) is not None:
            return RedirectResponse(wanted, 303)
        return _page(login_page(title, wanted))

    @router.post(LOGIN_PATH)
    async def log_in(request: Request) -> Response:
        form = await _form(request)
        name, wanted = form.get("name", "").strip(), own_path(form.get("next", ""))
        found = await desk.check(name, form.get("password", ""), _address(request))
        if isinstance(found, User):
            return _with_session(RedirectResponse(wanted, 303), sessions.begin(found), request)
        if found:
            page = login_page(title, wanted, name=name, problem=_too_many(found))
            return _page(page, 429, {"Retry-After": str(found)})
        return _page(login_page(title, wanted, name=name, problem=t("Name or password is wrong.")), 401)

    @router.post(LOGOUT_PATH)
    def log_out(request: Request) -> Response:
        sessions.end(request.headers.get("cookie", ""))
        return _with_session(RedirectResponse(LOGIN_PATH, 303), "", request)

    @router.get(PASSWORD_PATH)
    def show_password(request: Request) -> Response:
        user = sessions.user_of(request.headers.get("cookie", ""))
        return RedirectResponse(LOGIN_PATH, 303) if user is None else _page(password_page(title, user.name))

    @router.post(PASSWORD_PATH)
    async def change_password(request: Request) -> Response:
        user = sessions.user_of(request.headers.get("cookie", ""))
        if user is None:
            return RedirectResponse(LOGIN_PATH, 303)
        form = await _form(request)
        problem, status = await _changed(desk, user, form, _address(request)), 400
        if problem:
            return _page(password_page(title, user.name, problem=problem), status)
        fresh = sessions.users.named(user.name)
        value = sessions.begin(fresh) if fresh is not None else ""
        return _with_session(RedirectResponse("/", 303), value, request)

    return router


def own_path(wanted: str) -> str:
    """A path of this server, or its front page: a link to the login page must not lead elsewhere."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    return wanted if plain and wanted.startswith("/") and not wanted.startswith(("//", LOGIN_PATH)) else "/"


async def _changed(desk: LoginDesk, user: User, form: dict[str, str], address: str) -> str:
    """Change the password as the form says; what is wrong with it, or an empty string."""
    new = form.get("new", "")
    if new != form.get("again", ""):
        return t("The new password was not typed the same way twice.")
    found = await desk.check(user.name, form.get("password", ""), address)
    if not isinstance(found, User):
        return _too_many(found) if found else t("The password so far is wrong.")
    try:
        await run_in_threadpool(set_password, desk.sessions.users.path, user.name, new)
    except GraftError as error:
        return t("Not changed: {error}.", error=spoken(str(error)))
    return ""


def _too_many(seconds: int) -> str:
    return t("Too many attempts. Try again in {seconds} seconds.", seconds=seconds)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; empty where it is none."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def _page(html: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(html, status, {**_HEADERS, **(headers or {})})


def _with_session(response: Response, value: str, request: Request) -> Response:
    response.headers["Set-Cookie"] = cookie_header(value, secure=request.url.scheme == "https")
    response.headers["Cache-Control"] = "no-store"
    return response
