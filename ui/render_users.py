"""HTML of the users' page: the list, what is opened of one of them, their removal. Knows no Gradio."""

from collections.abc import Mapping, Sequence

from core.roles import Role
from core.user_desk import UserRow
from ui.language import marked, several, t
from ui.render_account import KEPT, PASSWORD_PATH
from ui.safe_html import escape

BRIDGE = "users"
ROLE_HELP = {
    Role.CHAT: marked("asks questions, and votes in the arena"),
    Role.CURATE: marked("also looks after documents and examples, and reads what people said of answers"),
    Role.ADMIN: marked("may everything: also train, activate, run labs, and look after users"),
}
_TRACE_HELP = marked("Last active: the day of the newest conversation, rating or vote.")
_NO_KEYS_LEFT = marked("API keys go with their user. Examples that a person has accepted, and trained adapters, stay.")
_ASK_KEEP = marked(
    "Remove {name}? They and their API keys are refused at once. Their conversations, files, ratings and votes stay in "
    "the workspace, where no other user sees them; what they said of answers still counts."
)
_ASK_ALL = marked(
    "Remove {name}, with their API keys, conversations, files, ratings and votes? None of it can be brought back."
)


def roles_html() -> str:
    """What each role may."""
    items = "".join(f"<dt>{role}</dt><dd>{escape(t(words))}</dd>" for role, words in ROLE_HELP.items())
    return f'<dl class="roles">{items}</dl>'


def users_html(rows: Sequence[UserRow], opened: str | None, me: str | None) -> str:
    """The table of users; `opened` and `me` are ids: whose row is opened, and whose page this is."""
    head = "".join(f'<th scope="col">{t(name)}</th>' for name in _HEADS)
    body = "".join(_row(row, opened=row.id == opened, own=row.id == me) for row in rows)
    table = f'<table class="documents users"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div data-desk="{BRIDGE}">{table}</div><p class="note">{t(_TRACE_HELP)}</p>'


def opened_html(row: UserRow) -> str:
    """The head of what is opened of a user."""
    close = f'<button type="button" class="desk-action" value="close">{t("Close")}</button>'
    return f'<header data-desk="{BRIDGE}"><h2 tabindex="-1">{escape(row.name)}</h2>{close}</header>'


def own_password_html() -> str:
    """In place of a new password for oneself, which asks for the old one."""
    return f'<p class="note"><a href="{PASSWORD_PATH}">{t("Change your password")}</a></p>'


def removal_html(row: UserRow, left: Mapping[str, int]) -> str:
    """What a user left behind, and the two ways of removing them."""
    counts = [several(number, *KEPT[kind]) for kind, number in left.items()]
    button = f'button type="button" class="desk-action bad" data-source="{escape(row.id)}"'
    keep, everything = (escape(t(ask, name=row.name)) for ask in (_ASK_KEEP, _ASK_ALL))
    left_something = any(left.values())
    whole = t("Remove with all of theirs") if left_something else t("Remove")
    buttons = f'<{button} value="remove-all" data-ask="{everything}">{whole}</button>'
    if left_something:
        buttons = f'<{button} value="remove" data-ask="{keep}">{t("Remove, and keep what they left")}</button>{buttons}'
    return (
        f'<p class="note">{t("What they left behind:")} {escape(t(", ").join(counts))}</p>'
        f'<p class="note">{t(_NO_KEYS_LEFT)}</p><p class="removal" data-desk="{BRIDGE}">{buttons}</p>'
    )


_HEADS = (marked("Name"), marked("Role"), marked("Last active"), marked("API keys"), marked("Actions"))


def _row(row: UserRow, *, opened: bool, own: bool) -> str:
    own_badge = f' <span class="badge neutral">{t("you")}</span>' if own else ""
    button = f'button type="button" class="desk-action" data-source="{escape(row.id)}" value="open"'
    label = escape(t("Change {name}", name=row.name))
    seen = escape(row.last_trace[:10])
    cells = [(_HEADS[1], str(row.role)), (_HEADS[2], seen), (_HEADS[3], str(len(row.keys)) if row.keys else "")]
    shown = "".join(f'<td data-label="{escape(t(head))}">{text}</td>' for head, text in cells)
    return (
        f'<tr{" class=opened" if opened else ""}><th scope="row">{escape(row.name)}{own_badge}</th>{shown}'
        f'<td class="actions"><{button} aria-label="{label}">{t("Change")}</button></td></tr>'
    )
