"""HTML of API keys and of what is shown once: a key, a password. Knows no Gradio."""

from collections.abc import Sequence

from core.user_desk import KeyRow
from ui.language import several, spoken, t
from ui.safe_html import escape


def keys_html(keys: Sequence[KeyRow], bridge: str, trouble: str = "") -> str:
    """The keys of one user, each with a button that revokes it; `bridge` names the page that hears of it.

    `trouble` says why keys are of no use here (UserDesk.keys_trouble).
    """
    note = f'<p class="note">{escape(spoken(trouble))}</p>' if trouble else ""
    if not keys:
        return f'<p class="note">{t("No API keys.")}</p>{note}'
    return f'<ul class="keys" data-desk="{bridge}">{"".join(map(_key, keys))}</ul>{note}'


def secret_html(what: str, secret: str) -> str:
    """A password or key, with what it is and that it is shown only now."""
    copy = f'<button type="button" class="desk-action copy-text" value="{escape(secret)}">{t("Copy")}</button>'
    return (
        f'<div class="secret" role="status"><p>{escape(what)}</p>'
        f'<p class="secret-line"><code>{escape(secret)}</code>{copy}</p></div>'
    )


def _key(key: KeyRow) -> str:
    limits = []
    if key.requests_per_minute is not None:
        limits.append(several(key.requests_per_minute, "{count} request a minute", "{count} requests a minute"))
    if key.max_body_mib is not None:
        limits.append(t("at most {size} MiB", size=f"{key.max_body_mib:g}"))
    about = f'<span class="state">{escape(t(", ").join(limits))}</span>' if limits else ""
    ask = escape(t("Revoke the key {name}? Whatever uses it is refused at once.", name=key.name))
    name = escape(key.name)
    return (
        f'<li><span class="name">{name}</span>{about}<button type="button" class="desk-action bad" value="revoke" '
        f'data-source="{name}" data-ask="{ask}">{t("Revoke")}</button></li>'
    )
