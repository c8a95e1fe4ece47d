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
# Words of talk about a question rather than of the question. They count only where little else is said.
_TALK = """
answer anybody anyone best bad come comes bit everyone exactly give gave given get gets getting go goes going good got
great happen happened happening happens hello help helps hey hi idea ideas keep keeps kind know knows leave leaves left
new people please possible put puts question questions really right saw saying see seen simply somebody someone sort
stuff take takes tells thank thanks think told took tried tries try trying understand way ways wonder wondering work
working works wrong actually basically lot found
"""
_STOP_WORDS = frozenset(re.findall(r"\S+", _STOP))
_TALK_WORDS = frozenset(re.findall(r"\S+", _TALK))
_FEW = 2


@dataclass(frozen=True)
class Query:
    """`names` are identifiers as written; `words` the terms to search; `others` the words that belong to no name.

    `function_words` are those that were dropped: now and then one is the name of something ("the for tag").
    """

    text: str
    names: tuple[str, ...]
    words: tuple[str, ...]
    others: tuple[str, ...]
    function_words: tuple[str, ...] = ()


def read_question(text: str) -> Query:
    """Analyse a question. Words that are all stop words are kept: something has to be searched."""
    names = identifiers(text)
    parts = {part for name in names for part in terms(name)}
    every = list(dict.fromkeys(terms(text)))
    # `{% for %}` is asked for, although "for" alone is not.
    asked = [word for word in every if word in parts or word not in _STOP_WORDS]
    words = [word for word in asked if word in parts or word not in _TALK_WORDS]
    words = words if len(words) >= _FEW else asked
    others = [word for word in words if word not in parts]
    function_words = [word for word in every if word in _STOP_WORDS and word not in parts and len(word) > 1]
    return Query(" ".join(text.split()), tuple(names), tuple(words or every), tuple(others), tuple(function_words))


def quoted(term: str) -> str:
    """A term as an FTS5 string."""
    return '"' + term.replace('"', '""') + '"'
