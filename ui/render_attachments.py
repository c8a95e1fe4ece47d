"""HTML of the files that were added to a conversation: chips, and how far those are that are being added."""

from collections.abc import Sequence

from core.chat_files import ChatFile
from ui.downloads import own_file_path
from ui.language import marked, spoken, t
from ui.safe_html import escape

_ACTIONS = (marked("Remove {name}"), marked("Download {name}"))
_STATES = {"waiting": marked("not read yet"), "indexed": "", "rejected": marked("rejected")}


def chips_html(files: Sequence[ChatFile], conversation: str | None) -> str:
    """The files of a conversation, each with a button that removes it; nothing where there are none."""
    if not files or conversation is None:
        return ""
    items = "".join(_chip(file, conversation) for file in files)
    note = escape(t("Also searched, in this conversation only:"))
    return f'<div class="attached"><p class="note">{note}</p><ul class="chips">{items}</ul></div>'


def adding_html(files: Sequence[ChatFile], stage: str, share: float) -> str:
    """The files that are being added, and the work on all of them."""
    done = f"{max(0.0, min(1.0, share)):.0%}"
    items = "".join(
        f'<li class="{file.state}"><span class="dot"></span><span class="name">{escape(file.source)}</span></li>'
        for file in files
    )
    return (
        f'<div class="adding" role="status"><p class="note">{escape(t(stage))} … {done}</p>'
        f'<div class="bar"><span style="width:{done}"></span></div><ul class="chips">{items}</ul></div>'
    )


def refused_html(files: Sequence[ChatFile]) -> str:
    """Files that were not taken, each with its reason."""
    items = "".join(f"<li><strong>{escape(file.source)}</strong>: {escape(spoken(file.reason))}</li>" for file in files)
    return f'<ul class="trouble refused" role="alert">{items}</ul>' if items else ""


def _chip(file: ChatFile, conversation: str) -> str:
    name, words = escape(file.source), spoken(file.reason) or t(_STATES[file.state])
    said = f'<span class="reason">{escape(words)}</span>' if words else ""
    remove, download = (escape(t(text, name=file.source)) for text in _ACTIONS)
    path = escape(own_file_path(conversation, file.source))
    button = f'button type="button" class="remove-file" data-source="{name}" aria-label="{remove}"'
    return (
        f'<li class="{file.state}"><span class="dot"></span>'
        f'<a class="name" href="{path}" title="{download}" download>{name}</a>{said}'
        f'<{button} title="{remove}">×</button></li>'
    )
