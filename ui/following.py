"""What has changed in a service since a browser session was last shown it. Plain data; knows no Gradio.

Only changes are sent to the browser, so that nothing flickers, jumps or takes a selection back.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from core.service import DomainService, ServiceStatus
from ui import choices
from ui.language import t
from ui.render_status import adapter_news, line_html, not_ready_reason, strip_html

BUSY_SECONDS = 1.5
CALM_SECONDS = 5.0

Update = dict[str, Any]
"""Properties of one component and their new values."""


class Seen(BaseModel):
    """What one browser session was last shown. `arm_chosen`: its user has chosen how to answer."""

    model_config = ConfigDict(frozen=True)

    strip: str = ""
    reason: str | None = None
    button: str = ""
    adapter: str | None = None
    corpora: tuple[tuple[str, str], ...] = ()
    trained: bool | None = None
    calm: bool = False
    arm_chosen: bool = False


def changes(service: DomainService, before: Seen) -> tuple[Seen, dict[str, Update]]:
    """The new Seen, and updates by component: strip, send, line, arm, adapter, corpora, timer; absent when unchanged.

    Raises GraftError when the service cannot say.
    """
    status = service.status()
    now = _look(service, status, before)
    first = not before.strip
    found: dict[str, Update] = {}
    if now.strip != before.strip:
        found["strip"] = {"value": now.strip}
    if now.button != before.button:
        found["send"] = {"value": now.button, "interactive": now.reason is None}
    if now.reason != before.reason:
        found["line"] = {"value": line_html(now.reason or t("Ready. Ask away."), waiting=now.reason is not None)}
    if (now.adapter, now.trained) != (before.adapter, before.trained):
        found["arm"] = _arm_update(service, status, chosen=before.arm_chosen)
        found["adapter"] = {"choices": choices.adapter_choices(service.adapters())}
        if now.adapter is not None and not first:
            found["line"] = {"value": line_html(adapter_news(now.adapter))}
    if now.corpora != before.corpora:
        offered = list(now.corpora)
        # What a user has chosen stays; the first ones to come are a choice for them.
        chosen = {} if before.corpora else {"value": [value for _, value in offered[:1]]}
        found["corpora"] = {"choices": offered, "visible": bool(offered), **chosen}
    if now.calm != before.calm:
        found["timer"] = {"value": CALM_SECONDS if now.calm else BUSY_SECONDS}
    return now, found


def _look(service: DomainService, status: ServiceStatus, before: Seen) -> Seen:
    return Seen(
        strip=strip_html(status),
        reason=not_ready_reason(status),
        button=_button_words(status),
        adapter=status.adapter,
        corpora=tuple(choices.corpus_choices(service.corpora(), service.pack)),
        trained=status.training.state == "done",
        calm=status.ready and status.training.state in {"none", "done", "failed"},
        arm_chosen=before.arm_chosen,
    )


def _button_words(status: ServiceStatus) -> str:
    if status.ready:
        return t("Send")
    return t("Not ready") if "failed" in {status.model.state, status.corpus.state} else t("Starting")


def _arm_update(service: DomainService, status: ServiceStatus, *, chosen: bool) -> Update:
    offered = choices.offered_arms(service, status)
    if chosen:
        return {"choices": offered}
    default = choices.default_arm(service.pack, offered)
    return {"choices": offered, "value": default, "info": choices.arm_hint(default)}
