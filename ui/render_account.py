"""HTML of the account: who is logged in, what is kept of them, what has learnt from it. Knows no Gradio."""

from collections.abc import Mapping, Sequence

from core.roles import Role
from core.service import AdapterInfo
from core.sessions import LOGOUT_PATH
from ui.downloads import everything_path
from ui.language import marked, several, t
from ui.safe_html import escape

PASSWORD_PATH = "/account/password"  # noqa: S105  an address
_MAY = {
    Role.CHAT: marked("You may chat and vote in the arena."),
    Role.CURATE: marked("You may chat, look after documents and examples, and review what people said of answers."),
    Role.ADMIN: marked("You may use all of this page: also train, activate adapters and run the lab."),
}
KEPT = {
    "conversations": (marked("{count} conversation"), marked("{count} conversations")),
    "ratings": (marked("{count} rating or correction"), marked("{count} ratings and corrections")),
    "votes": (marked("{count} vote in the arena"), marked("{count} votes in the arena")),
}
_DELETE_ALL = marked("Delete all your conversations, uploads, ratings and votes? They cannot be brought back.")
_STAYS = marked(
    "What was taken over into training examples, and adapters that were trained on it, stay: ask whoever administers "
    "this Graft to remove those."
)
_ONE_TOPIC = marked("This is about the topic “{topic}” alone. What is kept on other topics is seen and deleted there.")
_NOBODY = marked(
    "Nobody logs in here: this browser is you. Another browser, or this one without its cookies, is somebody else."
)
_TRAINED = marked("Adapters that were trained on your corrections, ratings or votes.")
_HEADS = (marked("Adapter"), marked("Made"), marked("Rows of yours"), marked("State"))


def account_html(
    name: str, role: Role | None, counts: Mapping[str, int] | None, learnt: Sequence[AdapterInfo], topic: str = ""
) -> str:
    """The whole account. `name` empty: nobody logs in here; `counts` None: nothing is kept; `learnt`: adapters.

    `topic`: what the account is about, where other topics have accounts of their own.
    """
    return (
        f'<div class="account">{_who(name, role)}{_kept(counts, topic)}{_learnt(learnt, kept=counts is not None)}</div>'
    )


def _who(name: str, role: Role | None) -> str:
    if not name:
        return f"<section><h2>{t('You')}</h2><p>{t(_NOBODY)}</p></section>"
    may = t(_MAY[role]) if role is not None else ""
    return (
        f'<section><h2>{escape(name)}</h2><p>{escape(may)}</p><div class="account-actions">'
        f'<form method="post" action="{LOGOUT_PATH}"><button type="submit" class="quiet-button">{t("Log out")}'
        "</button></form>"
        f'<a class="quiet-button" href="{PASSWORD_PATH}">{t("Change your password")}</a></div></section>'
    )


def _kept(counts: Mapping[str, int] | None, topic: str) -> str:
    if counts is None:
        return f"<section><h2>{t('What is kept')}</h2><p>{t('Nothing: this browser keeps no cookies.')}</p></section>"
    words = [several(number, *KEPT[kind]) for kind, number in counts.items()]
    items = "".join(f"<li>{escape(word)}</li>" for word in words)
    alone = f'<p class="note">{escape(t(_ONE_TOPIC, topic=topic))}</p>' if topic else ""
    return (
        f'<section><h2>{t("What is kept")}</h2>{alone}<ul>{items}</ul><div class="account-actions">'
        f'<a class="quiet-button" href="{everything_path()}" download>{t("Save all of mine as JSON")}</a>'
        f'<button type="button" class="quiet-button delete-mine" data-ask="{escape(t(_DELETE_ALL))}">'
        f'{t("Delete all of mine")}</button></div><p class="note">{escape(t(_STAYS))}</p></section>'
    )


def _learnt(adapters: Sequence[AdapterInfo], *, kept: bool) -> str:
    if not adapters:
        none = t("No adapter was trained on anything that you said.")
        return f"<section><h2>{t('What has learnt from you')}</h2><p>{none}</p></section>" if kept else ""
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{escape(one.created[:10])}</td><td>{sum(one.people.values()):,}</td>"
        f"<td>{t('in use') if one.active else ''}</td></tr>"
        for one in adapters
    )
    heads = "".join(f"<th>{t(head)}</th>" for head in _HEADS)
    return (
        f"<section><h2>{t('What has learnt from you')}</h2><p>{t(_TRAINED)}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )
