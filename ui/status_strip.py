"""Keeps the strip above the chat, the send button and the selectors in step with the service, without a reload.

A timer asks the service; only what has changed since is sent to the browser, so nothing flickers or jumps.
"""

import logging
from typing import Any

import gradio as gr
from pydantic import BaseModel, ConfigDict

from core.errors import GraftError
from core.service import DomainService, ServiceStatus
from ui import choices
from ui.render_status import adapter_news, line_html, not_ready_reason, strip_html
from ui.safe_html import escape
from ui.settings_panel import SettingsPanel, offered_arms

log = logging.getLogger(__name__)

BUSY_SECONDS = 1.5
CALM_SECONDS = 5.0


class Seen(BaseModel):
    """What one browser session was last shown."""

    model_config = ConfigDict(frozen=True)

    strip: str | None = None
    reason: str | None = None
    adapter: str | None = None
    corpus_ready: bool = False
    trained: bool = False
    calm: bool = False
    arm_chosen: bool = False


def build_status_strip(
    service: DomainService, page: gr.Blocks, strip: gr.HTML, panel: SettingsPanel, send: gr.Button, line: gr.HTML
) -> None:
    """Wire a timer and the page's load to the strip, the send button, the line under the box and the selectors."""
    seen = gr.State(Seen())
    timer = gr.Timer(BUSY_SECONDS)
    quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    outputs = [seen, strip, send, line, panel.arm, panel.adapter, panel.corpus, timer]

    def update(before: Seen) -> tuple[Any, ...]:
        try:
            return refresh(service, before)
        except GraftError as error:
            trouble = f'<p class="trouble" role="alert">{escape(str(error))}</p>'
            return before, trouble, *[gr.skip()] * 6
        except Exception:
            log.exception("the status could not be read")
            return before, *[gr.skip()] * 7

    page.load(update, seen, outputs, **quiet)
    timer.tick(update, seen, outputs, **quiet)
    panel.arm.select(lambda before: before.model_copy(update={"arm_chosen": True}), seen, seen, **quiet)


def refresh(service: DomainService, before: Seen) -> tuple[Any, ...]:
    """What to send to a session that was last shown `before`: the new Seen, then the outputs in their order."""
    status = service.status()
    reason = not_ready_reason(status)
    strip = strip_html(status)
    now = before.model_copy(
        update={
            "strip": strip,
            "reason": reason,
            "adapter": status.adapter,
            "corpus_ready": status.corpus.state == "ready",
            "trained": status.training.state == "done",
            "calm": status.ready and status.training.state in {"none", "done", "failed"},
        }
    )
    first = before.strip is None
    arm, adapter, corpus = gr.skip(), gr.skip(), gr.skip()
    if first or (now.adapter, now.trained) != (before.adapter, before.trained):
        arm, adapter = _arm_update(service, status, before), _adapter_update(service)
    if first or now.corpus_ready != before.corpus_ready:
        corpora = choices.corpus_choices(service.corpora(), service.pack)
        corpus = gr.update(choices=corpora, value=corpora[0][1] if corpora else None, visible=bool(corpora))
    return (
        now,
        strip if strip != before.strip else gr.skip(),
        _send_update(reason) if first or (reason is None) != (before.reason is None) else gr.skip(),
        _line(before, now, first=first),
        arm,
        adapter,
        corpus,
        gr.Timer(CALM_SECONDS if now.calm else BUSY_SECONDS) if now.calm != before.calm else gr.skip(),
    )


def _arm_update(service: DomainService, status: ServiceStatus, before: Seen) -> Any:
    offered = offered_arms(service, status)
    if before.arm_chosen:
        return gr.update(choices=offered)
    default = choices.default_arm(service.pack, offered)
    return gr.update(choices=offered, value=default, info=choices.arm_hint(default))


def _adapter_update(service: DomainService) -> Any:
    return gr.update(choices=choices.adapter_choices(service.adapters()))


def _send_update(reason: str | None) -> Any:
    return gr.update(value="Send" if reason is None else "Starting", interactive=reason is None)


def _line(before: Seen, now: Seen, *, first: bool) -> Any:
    if now.reason != before.reason:
        return line_html(now.reason or "Ready. Ask away.", waiting=now.reason is not None)
    if not first and now.adapter is not None and now.adapter != before.adapter:
        return line_html(adapter_news(now.adapter))
    return gr.skip()
