"""Puts the page into a FastAPI app, beside the routes that it already has: English at `/`, other languages below it.

Loads nothing from elsewhere.
"""

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
from ui.visitors import Visitors

if TYPE_CHECKING:
    from ui.desks import Desks

ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/page-assets"
# What all pages share comes first.
_STYLES = ("page.css", "chat.css", "examples.css", "train.css", "boards.css", "account.css", "users.css")
_SCRIPTS = ("page.js", "chat.js", "boards.js")
_HEAD = "".join(
    [
        *(f'<link rel="stylesheet" href="{ASSETS_PATH}/{name}">' for name in _STYLES),
        *(f'<script src="{ASSETS_PATH}/{name}" defer></script>' for name in _SCRIPTS),
    ]
)


def mount(
    app: FastAPI,
    service: DomainService,
    users: UserDatabase,
    desks: "Desks | None" = None,
    sessions: Sessions | None = None,
) -> FastAPI:
    """Mount the page over `service`; routes registered before (`/v1`, `/health`) keep working. Returns the app.

    `users` keeps what users leave behind: their conversations and ratings. With `sessions` everybody logs in, and
    `app` lets nobody else through (serve.access); without, each browser is a user.
    """
    import gradio as gr
    from gradio.routes import App as GradioApp

    from ui.desks import Desks
    from ui.page import build_page
    from ui.page_language import in_language
    from ui.theme import build_theme

    desks = desks or Desks()
    domain, shelf, files = service.pack.name, desks.shelf, desks.files
    conversations, feedback = ConversationStore(users, domain), FeedbackStore(users, domain)
    # Where the page takes no files, an upload of any size is refused.
    largest = max(1, shelf.max_file_bytes if shelf else 0, files.limits.file_bytes if files else 0)
    app.mount(ASSETS_PATH, StaticFiles(directory=ASSETS), name="page-assets")
    app.include_router(language_routes())
    app.include_router(download_routes(conversations, feedback, files))
    app.include_router(report_routes(desks.lab, desks.advice, domain))
    app.add_middleware(ContentPolicy, amend=in_language)
    if sessions is None:
        app.add_middleware(Visitors, secret=users.secret())
    else:
        app.include_router(login_routes(sessions, service.pack.title))
    app.add_middleware(Languages)
    for language in sorted(LANGUAGES, key=page_path, reverse=True):  # `/` last, which would take the others' paths
        with speaking(language):
            page = build_page(
                service, conversations, feedback, desks, UserData(users, domain), logins=sessions is not None
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
    belongings = Belongings()
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, GradioApp):
            route.app.add_middleware(GradioGate, belongings=belongings)
    return app
