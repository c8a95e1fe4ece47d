"""HTML of the pages for logging in and for a new password. One style sheet, no script. Knows no sessions."""

from core.passwords import LONGEST, SHORTEST
from core.sessions import LOGIN_PATH
from ui.language import TAGS, language, t
from ui.render_page import LOGO
from ui.safe_html import escape

LOGIN_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_STYLE_PATH = "/page-assets/login.css"


def login_page(title: str, wanted: str, *, name: str = "", problem: str = "") -> str:
    """The form for name and password; afterwards the browser goes to `wanted`."""
    # Whoever mistyped the password goes on there.
    focus_name, focus_password = ("", " autofocus") if name else (" autofocus", "")
    return _page(
        title,
        t("Log in"),
        f'<form method="post" action="{LOGIN_PATH}">{_problem(problem)}'
        f'<input type="hidden" name="next" value="{escape(wanted)}">'
        f'<label for="name">{t("Name")}</label><input id="name" name="name" value="{escape(name[:64])}" maxlength="64" '
        f'required autocomplete="username" autocapitalize="none" spellcheck="false"{focus_name}>'
        f'<label for="password">{t("Password")}</label><input id="password" name="password" type="password" '
        f'maxlength="{LONGEST}" required autocomplete="current-password"{focus_password}>'
        f'<button type="submit">{t("Log in")}</button></form><p class="note">'
        f"{t('No account, or a forgotten password? Whoever administers this Graft can help.')}</p>",
    )


def password_page(title: str, name: str, *, problem: str = "") -> str:
    """The form for a new password of the user `name`."""
    length = f'minlength="{SHORTEST}" maxlength="{LONGEST}" required autocomplete="new-password"'
    return _page(
        title,
        t("Change your password"),
        f'<form method="post">{_problem(problem)}'
        f'<input type="hidden" name="name" value="{escape(name)}" autocomplete="username">'
        f'<label for="password">{t("Password so far")}</label><input id="password" name="password" type="password" '
        f'maxlength="{LONGEST}" required autocomplete="current-password" autofocus>'
        f'<label for="new">{t("New password")}</label><input id="new" name="new" type="password" {length} '
        f'aria-describedby="rule"><p class="rule" id="rule">{t("At least {count} characters.", count=SHORTEST)}</p>'
        f'<label for="again">{t("New password, once more")}</label>'
        f'<input id="again" name="again" type="password" {length}>'
        f'<button type="submit">{t("Change")}</button></form><p class="note">'
        f'{t("You stay logged in here; everywhere else you are logged out.")} <a href="/">{t("Back")}</a></p>',
    )


def _problem(text: str) -> str:
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def _page(title: str, heading: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{TAGS[language()]}"><head><meta charset="utf-8">'
        f"<title>{escape(heading)} · {escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><link rel="stylesheet" href="{_STYLE_PATH}"></head><body><main>'
        f'<header>{LOGO}<p class="title">{escape(title)}</p></header><h1>{escape(heading)}</h1>{body}'
        "</main></body></html>"
    )
