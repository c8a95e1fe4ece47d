"""Which requests ask for a page, and which answers are one. Knows no route and no content."""

from starlette.datastructures import Headers
from starlette.types import Message, Scope


def opens_page(scope: Scope) -> bool:
    """Whether this is a browser that opens a page."""
    is_get = scope["type"] == "http" and scope["method"] == "GET"
    return is_get and "text/html" in Headers(scope=scope).get("accept", "")


def is_html(message: Message) -> bool:
    """Whether an answer begins that is HTML."""
    begins = message["type"] == "http.response.start"
    return begins and Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
