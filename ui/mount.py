"""Puts the page into a FastAPI app at `/`, beside the routes that it already has. Loads nothing from elsewhere."""

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from core.service import DomainService
from ui.content_policy import ContentPolicy

ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/page-assets"
_HEAD = f'<link rel="stylesheet" href="{ASSETS_PATH}/page.css"><script src="{ASSETS_PATH}/page.js" defer></script>'


def mount(app: FastAPI, service: DomainService) -> FastAPI:
    """Mount the page over `service`; routes registered before (`/v1`, `/health`) keep working. Returns the app."""
    import gradio as gr

    from ui.page import build_page
    from ui.theme import build_theme

    app.mount(ASSETS_PATH, StaticFiles(directory=ASSETS), name="page-assets")
    app.add_middleware(ContentPolicy)
    return gr.mount_gradio_app(
        app,
        build_page(service),
        path="/",
        theme=build_theme(),
        head=_HEAD,
        favicon_path=str(ASSETS / "favicon.png"),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        # The page takes no files, so an upload of any size is refused.
        max_file_size=1,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
