"""HTML of the fixed parts of the page: the masthead and the welcome in an empty chat. Knows no Gradio."""

from core.pack import DomainPack
from ui.downloads import EVERYTHING_PATH, conversation_path
from ui.safe_html import escape

# A grafted twig: a stem, a cut, a new shoot.
LOGO = (
    '<svg class="logo" viewBox="0 0 32 32" width="32" height="32" role="img" aria-label="Graft">'
    '<path class="stem" d="M16 29V17"/><path class="stem" d="M11 20l10-5"/>'
    '<path class="leaf" d="M16 17C7 17 5 10 5 4c7 0 11 4 11 13z"/>'
    '<path class="leaf young" d="M16 14c0-7 4-10 11-10 0 6-3 10-11 10z"/></svg>'
)

_DELETE_ONE = "Delete this conversation? It cannot be brought back. Ratings that you gave in it stay."
_DELETE_ALL = "Delete all your conversations, ratings and votes? They cannot be brought back."


def masthead(pack: DomainPack) -> str:
    """Name, title, description and persona of the domain."""
    description = f'<p class="description">{escape(pack.file.description)}</p>' if pack.file.description else ""
    return (
        f'<header class="masthead">{LOGO}<div class="title"><h1>{escape(pack.title)}</h1>{description}</div>'
        f'<details class="persona"><summary>Persona</summary><p>{escape(pack.persona)}</p></details></header>'
    )


def welcome(pack: DomainPack) -> str:
    """What an empty chat says."""
    formats = " or ".join(_spoken(list(pack.formats)))
    return (
        f'<div class="welcome"><p class="hello">Ask {escape(pack.title)}</p>'
        f"<p>Answers come from the documents, with their sources beside them, as {formats}.</p></div>"
    )


def menu_html(conversation: str | None, *, kept: bool) -> str:
    """The menu of the open conversation (None: there is none) and of all that is kept of its user."""
    if not kept:
        return ""
    items = []
    if conversation is not None:
        items = [
            _download("Save as Markdown", conversation_path(conversation, "md")),
            _download("Save as JSON", conversation_path(conversation, "json")),
            _deletion("Delete this conversation", conversation, _DELETE_ONE),
            '<li role="separator"></li>',
        ]
    items += [
        _download("Save all of mine as JSON", EVERYTHING_PATH),
        _deletion("Delete all of mine", "everything", _DELETE_ALL),
    ]
    return f'<details class="menu"><summary>More</summary><ul>{"".join(items)}</ul></details>'


def _download(words: str, path: str) -> str:
    return f'<li><a href="{escape(path)}" download>{escape(words)}</a></li>'


def _deletion(words: str, conversation: str, question: str) -> str:
    data = f'data-conversation="{escape(conversation)}" data-ask="{escape(question)}"'
    return f'<li><button type="button" class="delete-conversation" {data}>{escape(words)}</button></li>'


def _spoken(formats: list[str]) -> list[str]:
    names = {"text": "text", "markdown": "Markdown", "json": "JSON", "yaml": "YAML"}
    words = [names[format] for format in formats]
    return [", ".join(words[:-1]), words[-1]] if len(words) > 1 else words
