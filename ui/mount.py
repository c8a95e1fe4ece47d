"""Puts the pages of all domains into a FastAPI app, beside the routes that it already has.

The main domain's is at `/`, others at a place of their own (ui.places); other languages are below each. Loads nothing
from elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from core.conversations import ConversationStore
from core.feedback_store import FeedbackStore
from core.service import DomainService
from core.sessions import Sessions
from core.user_data import UserData
from core.user_database import UserDatabase
from ui.content_policy import ContentPolicy
from ui.downloads import download_routes
from ui.gradio_gate import Belongings, GradioGate
from ui.lab_reports import report_routes
from ui.language import LANGUAGES, speaking
from ui.language_choice import Languages, language_routes, page_path
from ui.login import login_routes
from ui.places import Signpost, at, place, place_of
from ui.visitors import Visitors

if TYPE_CHECKING:
    from ui.desks import Desks

ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/page-assets"
# What all pages share comes first.
_STYLES = (
    "page.css",
    "refusals.css",
    "chat.css",
    "examples.css",
    "train.css",
    "boards.css",
    "account.css",
    "users.css",
)
_SCRIPTS = ("refusals.js", "page.js", "chat.js", "boards.js")
_HEAD = "".join(
    [
        *(f'<link rel="stylesheet" href="{ASSETS_PATH}/{name}">' for name in _STYLES),
        *(f'<script src="{ASSETS_PATH}/{name}" defer></script>' for name in _SCRIPTS),
    ]
)


@dataclass(frozen=True)
class DomainPage:
    """A domain that gets a page, and what the page works on beside the service."""

    service: DomainService
    desks: "Desks | None" = None


def mount(app: FastAPI, pages: Sequence[DomainPage], users: UserDatabase, sessions: Sessions | None = None) -> FastAPI:
    """Mount the `pages`, the main domain's first; routes registered before (`/v1`, `/health`) keep working.

    `users` keeps what users leave behind: their conversations and ratings. With `sessions` everybody logs in, and
    `app` lets nobody else through (serve.access); without, each browser is a user. Returns the app.
    """
    from ui.page_language import in_language

    signposts = [_signpost(page.service, main=page is pages[0]) for page in pages]
    app.mount(ASSETS_PATH, StaticFiles(directory=ASSETS), name="page-assets")
    app.add_middleware(ContentPolicy, amend=in_language)
    if sessions is None:
        app.add_middleware(Visitors, secret=users.secret())
    else:
        app.include_router(login_routes(sessions, " · ".join(signpost.title for signpost in signposts)))
    app.add_middleware(Languages)
    # The main page last: what is mounted at `/` would take the others' addresses.
    for page, signpost in reversed(list(zip(pages, signposts, strict=True))):
        with at(signpost.place):
            app = _mount_page(app, page, signposts, users, logins=sessions is not None)
    return app


def _signpost(service: DomainService, *, main: bool) -> Signpost:
    pack = service.pack
    return Signpost(place_of(pack.name, main=main), pack.title, pack.file.description)


def _mount_page(
    app: FastAPI, domain: DomainPage, signposts: Sequence[Signpost], users: UserDatabase, *, logins: bool
) -> FastAPI:
    """Mount one domain's page, in each language, with the routes that belong to it."""
    import gradio as gr
    from gradio.routes import App as GradioApp

    from ui.desks import Desks
    from ui.page import build_page
    from ui.theme import build_theme

    service, desks = domain.service, domain.desks or Desks()
    name, shelf, files = service.pack.name, desks.shelf, desks.files
    conversations, feedback = ConversationStore(users, name), FeedbackStore(users, name)
    # Where the page takes no files, an upload of any size is refused.
    largest = max(1, shelf.max_file_bytes if shelf else 0, files.limits.file_bytes if files else 0)
    routes = (
        language_routes(),
        download_routes(conversations, feedback, files),
        report_routes(desks.lab, desks.advice, name),
    )
    for router in routes:
        app.include_router(router, prefix=place())
    # What is uploaded and begun on one domain's page is not there on another's, not even for its user.
    belongings = Belongings()
    for language in sorted(LANGUAGES, key=page_path, reverse=True):  # `/` last, as above
        with speaking(language):
            page = build_page(
                service, conversations, feedback, desks, UserData(users, name), logins=logins, domains=signposts
            )
        app = gr.mount_gradio_app(
            app,
            page,
            path=page_path(language).rstrip("/") or "/",
            theme=build_theme(),
            head=_HEAD,
            favicon_path=str(ASSETS / "favicon.png") if page_path(language) == "/" else None,
            footer_links=[],
            run_history=False,
            show_error=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            max_file_size=largest,
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        )
        mounted = app.routes[-1]
        assert isinstance(mounted, Mount)
        assert isinstance(mounted.app, GradioApp)
        mounted.app.add_middleware(GradioGate, belongings=belongings)
    return app
