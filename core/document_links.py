"""Addresses of documents on the server that answers: what serve/documents.py reads and the page links to."""

from urllib.parse import quote

from core.types import Citation, Passage

PREFIX = "/documents"


def document_path(corpus: str, source: str) -> str:
    """The address of a document."""
    return f"{PREFIX}/{quote(corpus, safe='')}/{quote(source)}"


def place_path(place: Citation | Passage, corpus: str) -> str:
    """The address of what a citation or passage points at; `corpus` where it names none itself.

    A PDF is opened at its page, the text of anything else at the words.
    """
    path = document_path(place.corpus or corpus, place.source)
    if place.source.casefold().endswith(".pdf"):
        return f"{path}#page={place.page}" if place.page else path
    if place.start is None or place.end is None:
        return path
    return f"{path}?from={place.start}&to={place.end}#quote"
