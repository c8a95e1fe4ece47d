"""HTML of a document beside the chat: a PDF's page as a picture, everything else as text, the cited words marked.

Strangers' text is escaped, and a picture is all that is left of a PDF: nothing of a document runs. Knows no Gradio.
"""

import base64
from collections.abc import Sequence

from core.document_store import TextPiece
from core.page_pictures import Box, PagePicture
from core.source_text import spans_of
from core.types import Citation, Passage
from ui.language import marked, spoken, t
from ui.safe_html import escape

GONE = marked("The file has changed or is gone since it was indexed; this is the text that was indexed.")
_PART = marked("A part of a long document, around the cited place.")
_NOT_FOUND = marked("The cited words could not be found on this page; it may be a picture of a page. They read:")


def page_html(head: str, picture: PagePicture, quote: str, *, cited_page: bool) -> str:
    """A page of a PDF; `quote` are the cited words, which it holds where it is the `cited_page`."""
    name = escape(t("Page {page} of {pages}", page=picture.page, pages=picture.pages))
    source = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
    image = f'<img src="{source}" width="{picture.width}" height="{picture.height}" alt="{name}">'
    marks = "".join(_box(box) for box in picture.boxes)
    said = ""
    if cited_page and quote:
        if picture.boxes:
            said = f'<p class="aside-text">{escape(t("Marked on this page: {quote}", quote=quote))}</p>'
        else:
            said = f'<p class="note">{escape(t(_NOT_FOUND))}</p><blockquote>{escape(quote)}</blockquote>'
    return _section(f'{head}{said}<div class="page-picture" tabindex="0"><div class="sheet">{image}{marks}</div></div>')


def text_html(
    head: str, pieces: Sequence[TextPiece], place: Citation | Passage, quote: str, *, whole: bool, gone: bool
) -> str:
    """The text of a document, each slide, sheet or page under its name, with the cited words marked."""
    notes = [note for note, shown in ((GONE, gone), (_PART, not whole)) if shown]
    body = "".join(f'<p class="note">{escape(t(note))}</p>' for note in notes)
    called = ""
    spans = spans_of(pieces, quote, place.start, place.end)
    for piece, parts in zip(pieces, spans, strict=True):
        if piece.place and piece.place != called:
            called = piece.place
            body += f'<h3 class="place">{escape(called)}</h3>'
        body += f'<div class="piece">{_marked(piece.text, parts)}</div>'
    return _section(f'{head}<div class="document-text" tabindex="0">{body}</div>')


def trouble_view(head: str, problem: str, quote: str) -> str:
    """What is said of a document that cannot be shown."""
    words = f"<blockquote>{escape(quote)}</blockquote>" if quote else ""
    return _section(f'{head}<p class="trouble" role="alert">{escape(spoken(problem))}</p>{words}')


def head_html(title: str, where: str, link: str, pages: str = "") -> str:
    """Title and place of a document, the way to its other pages, the link to the file, and the way back."""
    close = f'<button type="button" class="close-source">{escape(t("Close"))}</button>'
    return (
        f'<header><div class="what"><h2>{escape(title)}</h2><p class="where">{escape(where)}</p></div>'
        f'<div class="ways">{pages}{link}{close}</div></header>'
    )


def pages_html(turn: int, number: int, page: int, pages: int) -> str:
    """Buttons to the page before and after; `turn` and `number` say whose source it is."""
    back = _turn_page(turn, number, page - 1, t("Previous page"), "‹", possible=page > 1)
    on = _turn_page(turn, number, page + 1, t("Next page"), "›", possible=page < pages)
    return f'<nav class="turning" aria-label="{escape(t("Pages"))}">{back}<span>{page} / {pages}</span>{on}</nav>'


def _turn_page(turn: int, number: int, page: int, words: str, sign: str, *, possible: bool) -> str:
    state = "" if possible else " disabled"
    name = f'class="show-source" value="{turn} {number} {page}" aria-label="{escape(words)}" title="{escape(words)}"'
    return f'<button type="button" {name}{state}>{sign}</button>'


def _section(inside: str) -> str:
    return f'<section class="document-view" aria-label="{escape(t("Document"))}" tabindex="-1">{inside}</section>'


def _box(box: Box) -> str:
    shares = (("left", box.left), ("top", box.top), ("width", box.width), ("height", box.height))
    style = ";".join(f"{name}:{share * 100:.3f}%" for name, share in shares)
    return f'<mark style="{style}"></mark>'


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts, at = [], 0
    for first, last in spans:
        parts += [escape(text[at:first]), f"<mark>{escape(text[first:last])}</mark>"]
        at = last
    return "".join([*parts, escape(text[at:])])
