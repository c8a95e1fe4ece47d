"""Where the page of each domain is: the main one's at `/`, every other's at `/d/NAME/`.

What belongs to one page alone (downloads, reports, its switch of languages) has its address below that place. Whose
page a request or event is about stands in a context variable, as its language does; nothing passes it on by hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from core.page_addresses import DOMAIN_PLACE, OF_DOMAIN

MAIN = ""
_place: ContextVar[str] = ContextVar("place", default=MAIN)


@dataclass(frozen=True)
class Signpost:
    """A domain in the selector: its place, what it is called, and what it is about."""

    place: str
    title: str
    description: str = ""


def place_of(domain: str, *, main: bool) -> str:
    """The place of a domain's page, without a slash at its end."""
    return MAIN if main else f"{OF_DOMAIN}{domain}"


def place_in(path: str) -> str:
    """The place that an address is below."""
    found = DOMAIN_PLACE.match(path)
    return MAIN if found is None else found.group()


def place() -> str:
    """The place of the page that the request or event belongs to."""
    return _place.get()


def here(path: str) -> str:
    """The address of what belongs to this page: `path`, which begins with a slash, below its place."""
    return place() + path


@contextmanager
def at(place: str) -> Iterator[None]:
    """Everything inside is about the page at `place`."""
    before = _place.set(place)
    try:
        yield
    finally:
        _place.reset(before)
