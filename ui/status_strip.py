"""Keeps the strip above the chat, the send button and the selectors in step with the service, without a reload."""

import logging
from typing import Any

import gradio as gr

from core.errors import GraftError
from core.service import DomainService
from ui.following import BUSY_SECONDS, Seen, Update, changes
from ui.language import spoken
from ui.safe_html import escape
from ui.settings_panel import SettingsPanel

log = logging.getLogger(__name__)


def build_status_strip(
    service: DomainService, page: gr.Blocks, strip: gr.HTML, panel: SettingsPanel, send: gr.Button, line: gr.HTML
) -> None:
    """Wire a timer and the page's load to the strip, the send button, the line under the box and the selectors."""
    seen = gr.State(Seen())
    timer = gr.Timer(BUSY_SECONDS)
    quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    followers = {
        "strip": strip,
        "send": send,
        "line": line,
        "arm": panel.arm,
        "adapter": panel.adapter,
        "corpora": panel.corpora,
        "timer": timer,
    }

    def update(before: Seen) -> tuple[Any, ...]:
        now: Seen = before
        found: dict[str, Update] = {}
        try:
            now, found = changes(service, before)
        except GraftError as error:
            now = before.model_copy(update={"strip": ""})  # so that the strip is drawn again afterwards
            found = {"strip": {"value": f'<p class="trouble" role="alert">{escape(spoken(str(error)))}</p>'}}
        except Exception:
            log.exception("the status could not be read")
        return now, *(gr.update(**found[name]) if name in found else gr.skip() for name in followers)

    outputs = [seen, *followers.values()]
    page.load(update, seen, outputs, **quiet)
    timer.tick(update, seen, outputs, **quiet)
    panel.arm.select(lambda before: before.model_copy(update={"arm_chosen": True}), seen, seen, **quiet)
