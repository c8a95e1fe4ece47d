"""A lab's report and the advice, as files of one's own server: for a frame of the page, a tab of its own, or to keep.

A report holds questions, documents and answers: its policy lets nothing run and nothing be loaded, and only this page
may frame it.
"""

from collections.abc import Callable
from typing import cast
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, JSONResponse, Response

from core.advice_desk import AdviceDesk, Kind
from core.errors import GraftError
from core.lab_desk import LabDesk
from core.roles import Right
from ui.language import spoken, t
from ui.render_advice import DOWNLOADS
from ui.render_lab import REPORTS
from ui.visitors import allows

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": POLICY,
}
_TYPES: dict[Kind, str] = {"md": "text/markdown", "html": "text/html", "json": "application/json"}


def report_routes(lab: LabDesk | None, advice: AdviceDesk | None, domain: str) -> APIRouter:
    """The routes of one domain's page, below its place, each for whoever may use the tab that it belongs to."""
    router = APIRouter()

    # Not async: files block.
    @router.get(REPORTS + "/{run}/report.html", include_in_schema=False)
    def report(run: str, request: Request) -> Response:
        path = lab.report(run) if lab is not None and allows(request, Right.LAB) else None
        if path is None:
            return _missing(t("there is no such report"))
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=_HEADERS)

    @router.get(DOWNLOADS + "/advice.{kind}", include_in_schema=False)
    def download(kind: str, request: Request) -> Response:
        if advice is None or kind not in _TYPES or not allows(request, Right.CHAT):
            return _missing(t("there is no such file"))
        known, desk = cast(Kind, kind), advice
        return _answered(lambda: _file(desk.download(known), f"{domain}-advice.{kind}", _TYPES[known]))

    return router


def _answered(make: Callable[[], Response]) -> Response:
    try:
        return make()
    except GraftError as error:
        return _missing(spoken(str(error)))


def _file(text: str, name: str, kind: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(text, media_type=kind, headers={**_HEADERS, "Content-Disposition": disposition})


def _missing(message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, 404, headers=_HEADERS)
