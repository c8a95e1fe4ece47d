"""Lexical terms: what the lexical index holds and a question is turned into. Both sides must agree, hence here.

An identifier (`fields.E003`, `CSRF_COOKIE_AGE`, `--fail-level`) stays one term and also yields its parts; text without
spaces between words (Chinese, Japanese, Thai) yields pairs of characters. Knows no index and no language's grammar.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

_TOKEN = re.compile(r"(?:(?<![\w-])--?(?=[a-zA-Z]))?\w+(?:[.\-/:]+\w+)*")
_SEPARATOR = re.compile(r"[._\-/:]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_CLITIC = re.compile(r"(?<=\w)['’](?:s|t|re|ll|ve|d|m)\b")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
# What makes a token an identifier rather than a word.
_CODE = re.compile(r"`+([^`\n]{1,80})`+")
_MARKED = re.compile(r"(?:^|(?<=[\s(\"']))(?:\||@|\{%\s*)([A-Za-z]\w*)")
_CAMEL = re.compile(r"[a-z]\d*[A-Z]|[A-Z]{2,}[a-z]")
_LONGEST = 80


def terms(text: str) -> list[str]:
    """Terms of `text` in order, lower case, repeated as often as they occur."""
    found: list[str] = []
    for match in _TOKEN.finditer(_CLITIC.sub("", text)):
        token = match[0]
        if _UNSPACED.search(token):
            found += _pairs(token)
            continue
        if len(token) <= _LONGEST:
            found.append(token.casefold())
        parts = [part for piece in _SEPARATOR.split(token) if piece for part in _HUMP.split(piece)]
        if token.startswith("-"):
            found.append(token.lstrip("-").casefold())
        if len(parts) > 1:
            found += [part.casefold() for part in parts if len(part) > 1]
    return found


def identifiers(text: str) -> list[str]:
    """Names of things in `text`, as written, in order, once each: what looks like code or is marked so."""
    text = _CLITIC.sub("", text)
    found: dict[str, None] = {}
    for pattern in (_CODE, _MARKED):
        for match in pattern.finditer(text):
            inner = match[1].strip()
            if len(inner.split()) == 1:
                found.update(dict.fromkeys(token[0] for token in _TOKEN.finditer(inner)))
    found.update(dict.fromkeys(match[0] for match in _TOKEN.finditer(text) if is_identifier(match[0])))
    return list(found)


def name_terms(name: str) -> list[str]:
    """Terms under which a definition of exactly `name` is indexed, most exact first.

    `NAME` in capitals is another name than `name`; a method is also found without its class.
    """
    whole = name.casefold()
    found = [f"{whole}:caps"] if len(name) > 1 and name.isupper() else []
    found.append(f"{whole}:is")
    last = whole.rsplit(".", 1)[-1]
    return found if last == whole else [*found, f"{last}:is"]


def is_identifier(token: str) -> bool:
    """Whether a token looks like a name: dotted, snake case, upper case, camel case, an option, or with digits."""
    if token.startswith("-"):
        return True
    if "_" in token.strip("_") or _CAMEL.search(token):
        return True
    if re.search(r"[A-Za-z]", token) is None:
        return False
    if "." in token or "/" in token or ":" in token:
        # "e.g", "and/or" are words; "fields.E003", "django.db" are names.
        return len(token) > 4 and token.casefold() not in {"and/or", "a.k.a", "e.g", "i.e"}
    if re.search(r"\d", token):
        return True
    return len(token) > 2 and token.isupper()


def _pairs(token: str) -> Iterator[str]:
    position = 0
    for run in _UNSPACED.finditer(token):
        yield from terms(token[position : run.start()])
        characters = run[0]
        yield from ([characters] if len(characters) == 1 else map("".join, pairwise(characters)))
        position = run.end()
    yield from terms(token[position:])
