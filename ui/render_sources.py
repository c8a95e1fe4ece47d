"""HTML of the sources panel: the passages of each answer, cited ones first, the quoted words marked. Knows no Gradio.

Every turn has a section; the page's script shows one of them, and scrolls to a passage when its mark is clicked.
"""

import re
from collections.abc import Sequence

from core.chat_files import OWN_FILES
from core.document_links import place_path
from core.turns import Turn
from core.types import Citation, Passage
from ui.downloads import own_file_path
from ui.language import t
from ui.safe_html import escape

_KEPT_TURNS = 30


def source_id(turn: int, number: int | None = None) -> str:
    """The element id of a turn's section, or of one passage in it."""
    return f"sources-{turn}" if number is None else f"source-{turn}-{number}"


def sources_html(turns: Sequence[Turn], conversation: str | None = None) -> str:
    """The panel for a conversation; the last turn's section is the one shown."""
    if not turns:
        return _panel(_empty(t("The passages an answer rests on appear here, with the quoted words marked.")))
    first = max(0, len(turns) - _KEPT_TURNS)
    return _panel(
        "".join(
            _section(turn, index, conversation, current=index == len(turns) - 1)
            for index, turn in enumerate(turns)
            if index >= first
        )
    )


def _panel(inside: str) -> str:
    return f'<div class="sources-panel">{inside}</div>'


def _empty(words: str) -> str:
    return f'<p class="empty">{escape(words)}</p>'


def _section(turn: Turn, index: int, conversation: str | None, *, current: bool) -> str:
    title = escape(" ".join(turn.question.text.split()))
    head = f'<p class="asked" title="{title}">{title}</p>'
    shown = " current" if current else ""
    name = f'class="sources{shown}" id="{source_id(index)}"'
    return f'<section {name} tabindex="-1">{head}{_passages(turn, index, conversation)}</section>'


def _passages(turn: Turn, index: int, conversation: str | None) -> str:
    if turn.passages:
        citations = {citation.number: citation for citation in (turn.answer.citations if turn.answer else ())}
        ordered = sorted(turn.passages, key=lambda passage: (passage.number not in citations, passage.number))
        several = len({passage.corpus for passage in ordered}) > 1
        items = "".join(
            _passage(
                passage,
                citations.get(passage.number),
                index,
                _links(citations.get(passage.number, passage), index, turn.corpus or "", conversation),
                several=several,
            )
            for passage in ordered
        )
        return f'<ol class="passages">{items}</ol>'
    if not turn.question.arm.retrieval:
        return _empty(t("This way of answering uses no documents, so there are no sources."))
    if turn.passages is not None:
        return _empty(t("Nothing in the documents fits this question."))
    return _empty(t("Searching the documents.") if turn.running else t("The search did not get this far."))


def _passage(passage: Passage, citation: Citation | None, turn: int, links: str, *, several: bool) -> str:
    cited = citation is not None
    tag = f'<span class="tag">{t("cited")}</span>' if cited else ""
    own = passage.corpus == OWN_FILES
    called = t("Your file") if own else passage.corpus
    name = f'<span class="corpus">{escape(called)}</span>' if called and (own or several) else ""
    place = f'<span class="locator">{escape(_crumbs(passage.locator))}</span>' if passage.locator else ""
    return (
        f'<li class="source{" cited" if cited else ""}" id="{source_id(turn, passage.number)}">'
        f"<details{' open' if cited else ''}><summary>"
        f'<span class="number">{passage.number}</span>'
        f'<span class="where">{name}<span class="file">{escape(passage.source)}</span>{place}</span>{tag}'
        f'</summary><div class="passage" tabindex="0">{_highlighted(passage.text, citation)}</div>'
        f"{_left_out(passage)}{links}</details></li>"
    )


def _left_out(passage: Passage) -> str:
    if not passage.left_out:
        return ""
    return f'<p class="left-out">{t("Rows and entries that hold nothing of the question are left out here.")}</p>'


def _links(place: Citation | Passage, turn: int, corpus: str, conversation: str | None) -> str:
    """Lead to the document at this place: beside the chat, and in a tab of its own; nothing without a corpus."""
    own = place.corpus == OWN_FILES
    if not (place.corpus or corpus) or not place.source or (own and conversation is None):
        return ""
    show = t("Show the document at page {page}", page=place.page) if place.page else t("Show the document")
    button = f'<button type="button" class="show-source" value="{turn} {place.number}">{escape(show)}</button>'
    if own and conversation is not None:
        path = escape(own_file_path(conversation, place.source))
        link = f'<a class="document" href="{path}" download>{escape(t("Download"))}</a>'
    else:
        path = escape(place_path(place, corpus))
        link = f'<a class="document" href="{path}" target="_blank" rel="noopener">{escape(t("Open in a new tab"))}</a>'
    return f'<p class="links">{button}{link}</p>'


def _crumbs(locator: str) -> str:
    return " › ".join(part.strip() for part in locator.split(" > "))


def _highlighted(text: str, citation: Citation | None) -> str:
    span = _find(text, citation.quote) if citation else None
    if span is None:
        return escape(text)
    start, end = span
    return f"{escape(text[:start])}<mark>{escape(text[start:end])}</mark>{escape(text[end:])}"


def _find(text: str, quote: str) -> tuple[int, int] | None:
    """Where `quote` stands in `text`, white space folded."""
    words = quote.split()
    if not words:
        return None
    found = re.search(r"\s+".join(re.escape(word) for word in words), text)
    return found.span() if found else None
