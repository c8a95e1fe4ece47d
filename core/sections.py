"""Sections of a Markdown answer: which headings a schema asks for, and whether a text has them. Knows no model.

The rule: a schema's `x-sections` lists the headings; without it they are the titles of its properties, in order.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)


def sections_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The headings that `schema` asks of a Markdown answer; empty when it names none. Raises ValueError."""
    listed = schema.get("x-sections")
    if listed is None:
        properties = schema.get("properties")
        named = properties.items() if isinstance(properties, Mapping) else ()
        return tuple(_title(name, value) for name, value in named)
    if not isinstance(listed, list) or not all(isinstance(name, str) and name.strip() for name in listed):
        raise ValueError('x-sections must be a list of headings, such as ["Symptom", "Steps"]')
    return tuple(" ".join(name.split()) for name in listed)


def missing_sections(text: str, sections: Sequence[str]) -> list[str]:
    """Those of `sections` that are no heading of `text`, or not in this order; other headings may stand between."""
    headings = iter([_fold(match[1]) for match in _HEADING.finditer(_FENCED.sub("", text))])
    return [section for section in sections if _fold(section) not in headings]


def sections_pattern(sections: Sequence[str], refusal: str) -> str:
    """A regular expression of the answers that have exactly these sections, none empty, or are the refusal."""
    parts = [rf"## {re.escape(section)}\n\n[^#\n][^#]*" for section in sections]
    between = r"\n\n"
    return f"({re.escape(refusal)}|{between.join(parts)})"


def _title(name: str, value: Any) -> str:
    title = value.get("title") if isinstance(value, Mapping) else None
    return title if isinstance(title, str) and title.strip() else name.replace("_", " ").capitalize()


def _fold(text: str) -> str:
    return " ".join(re.sub(r"[^\w]+", " ", text.casefold()).split())
