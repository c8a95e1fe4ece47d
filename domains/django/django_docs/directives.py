"""Sphinx's directives by what becomes of them in Markdown: names, boxes, code, notes of versions, nothing.

Pure data and the parsing of a directive's own lines; the conversion of bodies is in blocks.py.
"""

import re
import textwrap
from dataclasses import dataclass

from .names import names

DIRECTIVE = re.compile(r"^\.\. ([A-Za-z][\w:-]*)::(?: +(.*))?$")
_OPTION = re.compile(r"^:([\w-]+):(?: +(.*))?$")

# A name with its own text below it, in or after the directive: `.. method:: filter(**kwargs)`.
OBJECTS = frozenset(names("class method attribute function exception data classmethod staticmethod object describe"))
SIGNED = frozenset({"class", "exception", "classmethod", "staticmethod"})  # keep the word: `class Q(...)`
# Text follows the directive unindented, up to the next one: as good as a heading.
SECTIONS = frozenset({"django-admin-option", "option"})
# A name for the heading that follows; where it says no more than that heading, it is dropped.
TAGS = {
    "setting": "Setting",
    "templatetag": "Template tag",
    "templatefilter": "Template filter",
    "fieldlookup": "Field lookup",
    "django-admin": "Command",
    "envvar": "Environment variable",
    "module": "Module",
}
BOXES = {
    "note": "Note",
    "warning": "Warning",
    "caution": "Caution",
    "tip": "Tip",
    "hint": "Hint",
    "important": "Important",
    "seealso": "See also",
}
VERSIONS = {
    "versionadded": "New in Django {}",
    "versionchanged": "Changed in Django {}",
    "deprecated": "Deprecated since Django {}",
}
CODE = frozenset({"code-block", "code", "console", "parsed-literal", "sourcecode"})
PICTURES = frozenset({"image", "figure"})
# Instructions to Sphinx, without a reader's content.
SILENT = frozenset({"currentmodule", "index", "contents", "program", "highlight", "default-role"})


@dataclass(frozen=True)
class Directive:
    """A directive's parts: `argument` on one line per source line, options, and the dedented body."""

    name: str
    argument: tuple[str, ...]
    options: dict[str, str]
    body: list[str]


def indent_of(line: str) -> int:
    """Number of leading spaces."""
    return len(line) - len(line.lstrip(" "))


def indented_block(lines: list[str], start: int) -> int:
    """Index after the indented or blank lines from `start` on, without trailing blank lines."""
    end = start
    for index in range(start, len(lines)):
        if lines[index].strip() and indent_of(lines[index]) == 0:
            break
        if lines[index].strip():
            end = index + 1
    return max(end, start)


def parse_directive(lines: list[str]) -> Directive | None:
    """Parse the lines of one explicit-markup block; None when it is no directive (a label, a comment)."""
    match = DIRECTIVE.match(lines[0].rstrip())
    if not match:
        return None
    rest = textwrap.dedent("\n".join(lines[1:])).splitlines()
    name = match[1].lower().removeprefix("py:")
    argument = [match[2].strip()] if match[2] else []
    index = 0
    while index < len(rest) and rest[index].strip() and not _OPTION.match(rest[index]):
        if not (argument and _takes_lines(name)):
            break
        argument.append(rest[index].strip())
        index += 1
    options: dict[str, str] = {}
    while index < len(rest) and (option := _OPTION.match(rest[index])):
        options[option[1]] = option[2] or ""
        index += 1
    return Directive(name, tuple(argument), options, _strip_blank(rest[index:]))


def _takes_lines(name: str) -> bool:
    return name in OBJECTS or name in SECTIONS or name == "admonition"


def _strip_blank(lines: list[str]) -> list[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]


def signature(directive: Directive) -> str:
    """The names a directive defines, as code: several signatures are joined by commas."""
    text = " ".join(directive.argument).replace("\\ ", "").replace("\\\\", "\\")
    if len(directive.argument) > 1 and all(line.endswith(")") for line in directive.argument[:-1]):
        names = [line.rstrip("\\").strip() for line in directive.argument]
    else:
        names = [text]
    word = f"{directive.name} " if directive.name in SIGNED else ""
    return ", ".join(f"`{word}{name}`" for name in names)
