"""HTML of the fixed parts of the page: the masthead and the welcome in an empty chat. Knows no Gradio."""

from collections.abc import Sequence

from core.pack import DomainPack
from ui.downloads import conversation_path, everything_path
from ui.language import LANGUAGES, TAGS, language, marked, t
from ui.language_choice import CHOICE_PATH
from ui.places import Signpost, here
from ui.render_domains import domains_html
from ui.safe_html import escape

# A grafted twig: a stem, a cut, a new shoot.
LOGO = (
    '<svg class="logo" viewBox="0 0 32 32" width="32" height="32" role="img" aria-label="Graft">'
    '<path class="stem" d="M16 29V17"/><path class="stem" d="M11 20l10-5"/>'
    '<path class="leaf" d="M16 17C7 17 5 10 5 4c7 0 11 4 11 13z"/>'
    '<path class="leaf young" d="M16 14c0-7 4-10 11-10 0 6-3 10-11 10z"/></svg>'
)

_DELETE_ONE = marked("Delete this conversation? It cannot be brought back. Ratings that you gave in it stay.")
_DELETE_ALL = marked("Delete all your conversations, ratings and votes? They cannot be brought back.")
_FORMATS = {"text": marked("text"), "markdown": "Markdown", "json": "JSON", "yaml": "YAML"}


def masthead(pack: DomainPack, domains: Sequence[Signpost] = ()) -> str:
    """Name, title, description and persona of the domain; the ways to other `domains` and languages."""
    description = f'<p class="description">{escape(pack.file.description)}</p>' if pack.file.description else ""
    return (
        f'<header class="masthead">{LOGO}<div class="title"><h1>{escape(pack.title)}</h1>{description}</div>'
        f"{domains_html(domains)}"
        f'<details class="persona"><summary>{t("Persona")}</summary><p>{escape(pack.persona)}</p></details>'
        f"{_languages()}</header>"
    )


def welcome(pack: DomainPack) -> str:
    """What an empty chat says."""
    names = [t(_FORMATS[format]) for format in pack.formats]
    formats = names[0] if len(names) == 1 else t("{some} or {last}", some=t(", ").join(names[:-1]), last=names[-1])
    about = t("Answers come from the documents, with their sources beside them, as {formats}.", formats=formats)
    hello = escape(t("Ask {title}", title=pack.title))
    return f'<div class="welcome"><p class="hello">{hello}</p><p>{about}</p></div>'


def menu_html(conversation: str | None, *, kept: bool) -> str:
    """The menu of the open conversation (None: there is none) and of all that is kept of its user."""
    if not kept:
        return ""
    items = []
    if conversation is not None:
        items = [
            _download(t("Save as Markdown"), conversation_path(conversation, "md")),
            _download(t("Save as JSON"), conversation_path(conversation, "json")),
            _deletion(t("Delete this conversation"), conversation, t(_DELETE_ONE)),
            '<li class="separator" aria-hidden="true"></li>',
        ]
    items += [
        _download(t("Save all of mine as JSON"), everything_path()),
        _deletion(t("Delete all of mine"), "everything", t(_DELETE_ALL)),
    ]
    return f'<details class="menu"><summary>{t("More")}</summary><ul>{"".join(items)}</ul></details>'


def _download(words: str, path: str) -> str:
    return f'<li><a href="{escape(path)}" download>{escape(words)}</a></li>'


def _deletion(words: str, conversation: str, question: str) -> str:
    data = f'data-conversation="{escape(conversation)}" data-ask="{escape(question)}"'
    return f'<li><button type="button" class="delete-conversation" {data}>{escape(words)}</button></li>'


def _languages() -> str:
    """Links to the page in other languages, each under its own name."""
    links = "".join(
        f'<a href="{here(CHOICE_PATH)}/{code}" lang="{TAGS[code]}" hreflang="{TAGS[code]}">{name}</a>'
        for code, name in LANGUAGES.items()
        if code != language()
    )
    return f'<nav class="languages" aria-label="{t("Language")}">{links}</nav>'
