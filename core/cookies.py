"""Reading one cookie out of the text of a Cookie header."""


def cookie(header: str, name: str) -> str:
    """The value of a cookie, without the double quotes that may stand around it; empty where it is missing.

    Read pair by pair, as Starlette does: http.cookies gives up at the first that it dislikes, and other programs on the
    same host set theirs as they please. Of several of one name the last counts.
    """
    found = ""
    for pair in header.split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip() == name:
            found = value.strip()
    quoted = len(found) > 1 and found[0] == found[-1] == '"'
    return found[1:-1] if quoted else found
