"""HTML of the files that were added to a conversation: chips, and how far those are that are being added."""

from collections.abc import Sequence

from core.chat_files import ChatFile
from ui.downloads import own_file_path
from ui.safe_html import escape

_STATES = {"waiting": "not read yet", "indexed": "", "rejected": "rejected"}


def chips_html(files: Sequence[ChatFile], conversation: str | None) -> str:
    """The files of a conversation, each with a button that removes it; nothing where there are none."""
    if not files or conversation is None:
        return ""
    items = "".join(_chip(file, conversation) for file in files)
    note = "Also searched, in this conversation only:"
    return f'<div class="attached"><p class="note">{note}</p><ul class="chips">{items}</ul></div>'


def adding_html(files: Sequence[ChatFile], stage: str, share: float) -> str:
    """The files that are being added, and the work on all of them."""
    done = f"{max(0.0, min(1.0, share)):.0%}"
    items = "".join(
        f'<li class="{file.state}"><span class="dot"></span><span class="name">{escape(file.source)}</span></li>'
        for file in files
    )
    return (
        f'<div class="adding" role="status"><p class="note">{escape(stage)} … {done}</p>'
        f'<div class="bar"><span style="width:{done}"></span></div><ul class="chips">{items}</ul></div>'
    )


def refused_html(files: Sequence[ChatFile]) -> str:
    """Files that were not taken, each with its reason."""
    items = "".join(f"<li><strong>{escape(file.source)}</strong>: {escape(file.reason)}</li>" for file in files)
    return f'<ul class="trouble refused" role="alert">{items}</ul>' if items else ""


def _chip(file: ChatFile, conversation: str) -> str:
    name, words = escape(file.source), file.reason or _STATES[file.state]
    said = f'<span class="reason">{escape(words)}</span>' if words else ""
    path = escape(own_file_path(conversation, file.source))
    button = f'button type="button" class="remove-file" data-source="{name}" aria-label="Remove {name}"'
    return (
        f'<li class="{file.state}"><span class="dot"></span>'
        f'<a class="name" href="{path}" title="Download {name}" download>{name}</a>{said}'
        f'<{button} title="Remove">×</button></li>'
    )
