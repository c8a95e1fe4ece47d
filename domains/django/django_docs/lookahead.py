"""Looking ahead in a page: what a reader meets next, past labels, comments and instructions to Sphinx."""

import re

from .directives import OBJECTS, SECTIONS, SILENT, TAGS, indented_block, parse_directive
from .links import title_at

ANONYMOUS = re.compile(r"^__ +\S")


def next_mark(lines: list[str], at: int) -> tuple[int, str]:
    """The next block that a reader would see: skips blank lines, labels, comments and silent directives."""
    while at < len(lines):
        line = lines[at]
        if not line.strip() or ANONYMOUS.match(line):
            at += 1
            continue
        if not line.startswith(".."):
            return at, "text"
        end = indented_block(lines, at + 1)
        directive = parse_directive(lines[at:end])
        if directive is not None and directive.name not in SILENT:
            return at, directive.name
        at = end
    return at, "end"


def heading_follows(lines: list[str]) -> bool:
    """Whether a section title comes next, past other names for it."""
    at, what = next_mark(lines, 0)
    while what in TAGS:
        at, what = next_mark(lines, at + 1)
    return what == "text" and title_at(lines, at) is not None


def ends_a_section(lines: list[str], at: int, top: bool) -> bool:
    """Whether nothing that belongs to the parent follows, so that a heading here swallows nothing."""
    at, what = next_mark(lines, at)
    if what == "text":
        return top and title_at(lines, at) is not None
    return what == "end" or what in OBJECTS or what in SECTIONS or what in TAGS
