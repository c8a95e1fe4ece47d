"""Filters by metadata, in Chroma's filter syntax, as a condition in SQL. Knows the tables, no store.

{"source": "manuals/*"}                     equal; `*` and `?` stand for any characters
{"page": {"$gte": 3}}                       $eq $ne $gt $gte $lt $lte $in $nin
{"$or": [{"format": "pdf"}, {"headings": "Safety*"}]}       $and $or
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.errors import RetrievalError

Condition = tuple[str, list[Any]]

_TEXT = {"source": "c.source", "format": "d.format", "title": "d.title", "place": "c.place", "locator": "c.locator"}
_NUMBER = {"page": "c.page", "ordinal": "c.ordinal", "first_line": "c.first_line", "last_line": "c.last_line"}
# `headings` is true of a chunk when it is true of any heading above it; `corpus` is a constant of the index.
KEYS = (
    "source",
    "format",
    "page",
    "place",
    "headings",
    "title",
    "corpus",
    "locator",
    "ordinal",
    "first_line",
    "last_line",
)
_COMPARE = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_WRITTEN = {">=": "$gte", "<=": "$lte", "!=": "$ne", ">": "$gt", "<": "$lt", "=": "$eq"}
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|>|<)(.*)", re.DOTALL)


def compile_where(where: Mapping[str, Any], corpus: str) -> Condition:
    """SQL over `chunks c` and `documents d`, and its parameters. Raises RetrievalError that names what is wrong."""
    parts: list[Condition] = []
    for key, value in where.items():
        if key in ("$and", "$or"):
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                raise RetrievalError(f"a filter's {key} needs a list of filters")
            parts.append(_join((compile_where(_mapping(item), corpus) for item in value), key[1:].upper()))
            continue
        if key not in KEYS:
            raise RetrievalError(f"cannot filter by '{key}': use {', '.join(KEYS)}")
        tests = value if isinstance(value, Mapping) else {"$eq": value}
        if not tests:
            raise RetrievalError(f"the filter on '{key}' says nothing: give it a value")
        parts += [_test(key, operator, wanted, corpus) for operator, wanted in tests.items()]
    return _join(parts, "AND") if parts else ("1", [])


def parse_conditions(texts: Iterable[str]) -> dict[str, Any]:
    """Conditions as written on a command line, `source=manuals/*` or `page>=3`, all of which have to hold.

    The same key twice with `=` means either. Raises RetrievalError.
    """
    equal: dict[str, list[Any]] = {}
    others: list[dict[str, Any]] = []
    for text in texts:
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise RetrievalError(
                f"filter '{text}' is not KEY=VALUE: for instance source=manuals/*, format=pdf, page>=3"
            )
        key, operator, value = match[1], _WRITTEN[match[2]], match[3].strip()
        wanted: Any = value
        if key in _NUMBER:
            try:
                wanted = int(value)
            except ValueError as error:
                raise RetrievalError(f"'{value}' is no number, and {key} is one") from error
        if operator == "$eq":
            equal.setdefault(key, []).append(wanted)
        else:
            others.append({key: {operator: wanted}})
    conditions = [{key: values[0] if len(values) == 1 else {"$in": values}} for key, values in equal.items()] + others
    return conditions[0] if len(conditions) == 1 else {"$and": conditions} if conditions else {}


def _test(key: str, operator: str, wanted: Any, corpus: str) -> Condition:
    if operator in ("$in", "$nin"):
        if not isinstance(wanted, Sequence) or isinstance(wanted, str):
            raise RetrievalError(f"a filter's {operator} needs a list")
        inside = _join((_test(key, "$eq", item, corpus) for item in wanted), "OR") if wanted else ("0", [])
        return inside if operator == "$in" else _not(inside)
    if operator == "$ne":
        return _not(_test(key, "$eq", wanted, corpus))
    if operator != "$eq" and operator not in _COMPARE:
        known = ", ".join(["$eq", "$ne", *_COMPARE, "$in", "$nin"])
        raise RetrievalError(f"a filter knows no '{operator}': use {known}")
    if key in _NUMBER:
        if not isinstance(wanted, int | float) or isinstance(wanted, bool):
            raise RetrievalError(f"the filter on '{key}' needs a number, not {wanted!r}")
        return f"{_NUMBER[key]} {_COMPARE.get(operator, '=')} ?", [wanted]
    if not isinstance(wanted, str):
        raise RetrievalError(f"the filter on '{key}' needs a text, not {wanted!r}")
    if operator != "$eq":
        raise RetrievalError(f"'{key}' is a text: {operator} compares numbers ({', '.join(_NUMBER)})")
    test, value = _like(wanted)
    if key == "headings":
        return f"EXISTS (SELECT 1 FROM json_each(c.headings) h WHERE h.value {test} ?)", [value]  # noqa: S608 - our own words
    if key == "corpus":
        return f"? {test} ?", [corpus, value]
    return f"{_TEXT[key]} {test} ?", [value]


def _like(text: str) -> tuple[str, str]:
    # Brackets are part of file names; only * and ? are patterns.
    return ("GLOB", text.replace("[", "[[]")) if re.search(r"[*?]", text) else ("=", text)


def _join(conditions: Iterable[Condition], word: str) -> Condition:
    found = list(conditions)
    return "(" + f" {word} ".join(sql for sql, _ in found) + ")", [value for _, values in found for value in values]


def _not(condition: Condition) -> Condition:
    sql, values = condition
    # Chunks that lack the key (no page) are not equal to anything.
    return f"NOT COALESCE({sql}, 0)", values


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RetrievalError("a filter's $and and $or hold filters: {'key': value}")
    return value
