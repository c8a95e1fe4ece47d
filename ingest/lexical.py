"""What of a chunk enters the lexical index: the terms it defines, those of its headings, those of its text.

A chunk defines what stands at the start of its lines as a heading, a bold or code term, or a directive's argument:
`- **fields.E003**: ...`, `### \\`CSRF_COOKIE_AGE\\``, `.. setting:: DEBUG`.
"""

import re

from core.terms import terms

_LEAD = re.compile(
    r"^[ \t>]*(?:[-*+] |\d+[.)] |#{1,6} |\| )?(?:(?:\*\*|__)(?P<bold>[^*\n]{1,80}?)(?:\*\*|__)|`+(?P<code>[^`\n]{1,80})`+)"
    r"|^\.\. [\w:-]+:: (?P<directive>\S+)"
    r"|^[ \t]*#{1,6}[ \t]+(?P<heading>.{1,120})$"
    r"|^(?P<row>[A-Za-z][\w.\-]{1,60})(?=[,;\t|]| \| )"
    r"|^[ \t]*(?:def|class|function|fn|func|interface|struct|type)\s+(?P<name>\w+)",
    re.MULTILINE,
)


def lexical_row(text: str, headings: tuple[str, ...]) -> tuple[str, str, str]:
    """Columns `defined`, `headings`, `body` of the lexical index, as terms apart by spaces."""
    defined = [term for match in _LEAD.finditer(text) for term in terms(next(filter(None, match.groups()), ""))]
    own = headings[-1:] if headings else ()
    defined += [term for heading in own for term in terms(heading)]
    return " ".join(defined), " ".join(terms(" ".join(headings))), " ".join(terms(text))
