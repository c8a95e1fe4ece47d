"""What of a chunk enters the lexical index: the terms it defines, those of its headings, those of its text.

A chunk defines what stands at the start of its lines as a heading, a bold or code term, or a directive's argument:
`- **fields.E003**: ...`, `### `CSRF_COOKIE_AGE``, `.. setting:: DEBUG`.
"""

import re
import sqlite3

from core.terms import name_terms, terms

_LEAD = re.compile(
    r"^[ \t>]*(?:[-*+] |\d+[.)] |#{1,6} |\| )?"
    r"(?:(?:\*\*|__)(?P<bold>[^*\n]{1,80}?)(?:\*\*|__)|`+(?P<code>[^`\n]{1,80})`+)"
    r"|^\.\. [\w:-]+:: (?P<directive>\S+)"
    r"|^[ \t]*#{1,6}[ \t]+(?P<heading>.{1,120})$"
    r"|^(?P<row>[A-Za-z][\w.\-]{1,60})(?=[,;\t|]| \| )"
    r"|^[ \t]*(?:def|class|function|fn|func|interface|struct|type)\s+(?P<name>\w+)",
    re.MULTILINE,
)


_NAME = re.compile(
    r"(?:(?:class|def|function|property|method|attribute)\s+)?((?:--?)?[A-Za-z_][\w.\-/:]*)(?:\(.*|=.*|\s*)$"
)


def lexical_row(text: str, headings: tuple[str, ...]) -> tuple[str, str, str]:
    """Columns `defined`, `headings`, `body` of the lexical index, as terms apart by spaces."""
    leads = [next(filter(None, match.groups()), "").strip() for match in _LEAD.finditer(text)]
    defined = [term for lead in leads for term in [*terms(lead), *_names(lead)]]
    own = headings[-1:] if headings else ()
    defined += [term for heading in own for term in terms(heading)]
    return " ".join(defined), " ".join(terms(" ".join(headings))), " ".join(terms(text))


# The columns that `lexical_row` makes.
COLUMNS = "defined, headings, body"


def insert_lexical(connection: sqlite3.Connection, number: int, text: str, headings: tuple[str, ...]) -> None:
    """Add the row of chunk `number` to the lexical index of a manifest."""
    row = lexical_row(text, headings)
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO lexical (rowid, {COLUMNS}) VALUES (?, {marks})", (number, *row))  # noqa: S608


def _names(lead: str) -> list[str]:
    """Name terms when a lead is nothing but a name, with or without arguments (`--database DATABASE`, `cut(value)`)."""
    bare = lead.strip("`* ")
    match = _NAME.match(bare) or (re.match(r"(--?[a-zA-Z][\w-]*)(?=[ =,])", bare))
    return name_terms(match[1].rstrip(".:/-")) if match else []
