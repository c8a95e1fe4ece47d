"""A question as the lexical index understands it: its identifiers, and its words without those that only ask.

Knows no index. The terms themselves are core/terms.py's, the same as on the ingesting side.
"""

import re
from dataclasses import dataclass

from core.terms import identifiers, terms

# Words that shape a question but describe nothing in a document.
_STOP = """
a about above after again all also am an and any are as at be because been before being below between both but by
can could did do does doing don down during each few for from further had has have having he her here hers him his
how i if in into is it its just let like me more most my no nor not now of off on once only or other our out over
own please same she should so some such than that the their them then there these they this those through to too
under until up us very was we were what when where which while who whom why will with would you your yours
tell show give explain describe find look know want need mean means meaning called name named say says word
thing things something anything one ones
"""
_STOP_WORDS = frozenset(re.findall(r"\S+", _STOP))


@dataclass(frozen=True)
class Query:
    """`names` are identifiers as written; `words` the terms to search; `others` the words that belong to no name."""

    text: str
    names: tuple[str, ...]
    words: tuple[str, ...]
    others: tuple[str, ...]


def read_question(text: str) -> Query:
    """Analyse a question. Words that are all stop words are kept: something has to be searched."""
    names = identifiers(text)
    parts = {part for name in names for part in terms(name)}
    every = list(dict.fromkeys(terms(text)))
    # `{% for %}` is asked for, although "for" alone is not.
    words = [word for word in every if word in parts or word not in _STOP_WORDS]
    others = [word for word in words if word not in parts]
    return Query(" ".join(text.split()), tuple(names), tuple(words or every), tuple(others))


def quoted(term: str) -> str:
    """A term as an FTS5 string."""
    return '"' + term.replace('"', '""') + '"'
