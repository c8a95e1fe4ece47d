"""Reading one cookie out of the text of a Cookie header."""

from http.cookies import CookieError, SimpleCookie


def cookie(header: str, name: str) -> str:
    """The value of a cookie; empty where it is missing, or the header cannot be read."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""
