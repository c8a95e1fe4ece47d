"""Blocks of formats whose text is kept as it is: elements from unstructured, spans and heading levels from the source.

A block begins where an element begins at the start of a line; what unstructured leaves out (link targets, comments,
directives) belongs to the block before it, so that the blocks cover the whole text. Knows Markdown's and
reStructuredText's own marks, nothing of chunks.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ingest.align import align
from ingest.blocks import Block, Kind, ParsedDocument
from ingest.formats import Format

_FENCE = re.compile(r"^[ \t>]*(?:[-*+] +)?(`{3,}|~{3,})", re.MULTILINE)
_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+|$)(.*?)(?:[ \t]#+)?[ \t]*$")
_RULE = re.compile(r"""^([=\-`:'"~^_*+#<>.])\1{2,}[ \t]*$""")
_UNDERLINED = re.compile(r"""^(\S.*)\n(([=\-`:'"~^_*+#<>.])\3{2,})[ \t]*$""", re.MULTILINE)
_DEFINITION = re.compile(
    r"^([ \t]*)(?:(?:export|default|public|private|protected|static|abstract|async|pub(?:\([a-z]+\))?)\s+)*"
    r"(?:class|def|function|interface|struct|enum|trait|impl|fn|func|type|module|namespace)\s+([A-Za-z_]\w*)"
)
_TITLE_WORDS = 12
# Where a block starts, its kind, its level and label.
_Start = tuple[int, Kind, int, str]


class Element(NamedTuple):
    """One element of unstructured: its category and its text."""

    category: str
    text: str


def to_blocks(text: str, elements: Sequence[Element], kind: Format) -> ParsedDocument:
    """Blocks that cover `text`, in order."""
    fences = _fences(text) if kind == "markdown" else []
    starts: list[_Start] = []
    spans = align(text, [element.text for element in elements])
    for element, span in zip(elements, spans, strict=True):
        if span is None or any(a < span[0] < b for a, b in fences):
            continue
        start = text.rfind("\n", 0, span[0]) + 1
        if re.search(r"[^\W_]", text[start : span[0]]) and not _is_marker(text[start : span[0]]):
            continue  # in the middle of a line: part of the block before
        if starts and start <= starts[-1][0]:
            continue
        starts.append((start, *_classify(text, start, element, kind)))
    if kind in ("markdown", "rst"):
        starts = _add_certain(text, starts, fences, kind)
    if kind == "rst":
        starts = [(_above_heading(text, s[0]), *s[1:]) if s[1] == "heading" else s for s in starts]
        starts = _rank_headings(text, starts)
    return _cover(text, starts)


def _add_certain(text: str, starts: Sequence[_Start], fences: Sequence[tuple[int, int]], kind: Format) -> list[_Start]:
    """Add the headings and fences that the source's own marks show, where an element was not found in the text."""
    known = {start[0] for start in starts}
    if kind == "rst":
        titles: list[_Start] = [
            (m.start(1), "heading", 0, plain(m[1]))
            for m in _UNDERLINED.finditer(text)
            if len(m[2]) >= len(m[1].rstrip())
        ]
        return sorted([*starts, *(title for title in titles if title[0] not in known)])
    found: list[_Start] = [(a, "code", 0, "") for a, _ in fences if a not in known]
    for match in re.finditer(r"^ {0,3}#{1,6}[ \t].*$", text, re.MULTILINE):
        start = match.start()
        if start not in known and not any(a <= start < b for a, b in fences) and (atx := _ATX.match(match[0])):
            found.append((start, "heading", len(atx[1]), plain(atx[2])))
    return sorted([*starts, *found])


def _cover(text: str, starts: Sequence[_Start]) -> ParsedDocument:
    blocks: list[Block] = []
    for index, (start, kind, level, label) in enumerate(starts):
        begin = 0 if index == 0 else start
        end = starts[index + 1][0] if index + 1 < len(starts) else len(text)
        piece = text[begin:end]
        begin += len(piece) - len(piece.lstrip("\n"))
        end = begin + len(text[begin:end].rstrip())
        if end > begin:
            head = (begin, _table_head(text, begin, end)) if kind == "table" else None
            blocks.append(Block(kind, begin, end, level, label, head=head))
    if not blocks and text.strip():
        blocks.append(Block("text", len(text) - len(text.lstrip()), len(text.rstrip())))
    title = next((block.label for block in blocks if block.kind == "heading"), "")
    return ParsedDocument(text, tuple(blocks), title)


def _classify(text: str, start: int, element: Element, kind: Format) -> tuple[Kind, int, str]:
    line = _line(text, start)
    if kind == "markdown":
        if atx := _ATX.match(line):
            return "heading", len(atx[1]), plain(atx[2])
        below = _line(text, start + len(line) + 1)
        if element.category == "Title" and re.fullmatch(r" {0,3}(=+|-+)[ \t]*", below):
            return "heading", 1 if "=" in below else 2, plain(line)
        if re.match(r"[ \t>]*(`{3,}|~{3,})", line):
            return "code", 0, ""
    elif kind == "rst":
        below = _line(text, start + len(line) + 1)
        if _RULE.match(below) and len(below.rstrip()) >= min(len(line.rstrip()), 4) and not _RULE.match(line):
            return "heading", 0, plain(line)
    elif kind == "code" and (definition := _DEFINITION.match(line)):
        return "heading", 1 + len(definition[1].expandtabs(4)) // 4, definition[2]
    elif kind == "text" and element.category == "Title" and _stands_alone(text, start, line):
        return "heading", 1, plain(line)
    if element.category == "Table":
        return "table", 0, ""
    if element.category in ("ListItem", "ListItem-other"):
        return "item", 0, ""
    return ("code" if element.category == "CodeSnippet" else "text"), 0, ""


def plain(markup: str) -> str:
    """A heading without Markdown or reStructuredText marks."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markup)
    words = re.sub(r":[\w:+-]+:`~?([^`<]+?)(?:\s*<[^>]*>)?`", r"\1", words)
    words = re.sub(r"`+|\*\*|(?<!\w)\*|\*(?!\w)|(?<!\w)_(?!_)|(?<!_)_(?!\w)|\\(?=[^\w\s])", "", words)
    return " ".join(words.split()).strip(" #:")


def _is_marker(before: str) -> bool:
    # "1." and "a)" number a list item; "> " and "- " have no letters at all.
    return re.fullmatch(r"[ \t>]*(?:[-*+] )*(?:\d{1,4}|[a-zA-Z])[.)][ \t]+[^\w]*", before) is not None


def _line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : len(text) if end < 0 else end] if start < len(text) else ""


def _fences(text: str) -> list[tuple[int, int]]:
    """Spans of fenced code, from the start of the opening line to the end of the closing one."""
    spans = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        line = _line(text, match.start())
        if opened is None:
            # Backticks again in its line: code within a line, as ```this```.
            if match[1][0] != "`" or "`" not in line[match.end() - match.start() :]:
                opened = (match.start(), match[1])
        elif match[1].startswith(opened[1]) and line.strip(" \t>") == match[1]:
            spans.append((opened[0], match.start() + len(line)))
            opened = None
    if opened is not None:
        spans.append((opened[0], len(text)))
    return spans


def _stands_alone(text: str, start: int, line: str) -> bool:
    """Whether a line of plain text reads as a heading: short, no final punctuation, something below it."""
    after = text[start + len(line) :]
    underlined = _RULE.match(_line(text, start + len(line) + 1)) is not None
    return (
        0 < len(line.split()) <= _TITLE_WORDS
        and not line.startswith((" ", "\t"))
        and (underlined or (not line.rstrip().endswith((".", ",", ";", ":", "!", "?")) and after.startswith("\n\n")))
        and bool(after.strip())
    )


def _above_heading(text: str, start: int) -> int:
    """Start of the labels, directives and overline right above a heading; they name what follows."""
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        line = text[above : start - 1]
        if line.strip() and not _RULE.match(line) and not re.match(r"\.\. (?:_[^:]+:|[\w:-]+::)", line):
            break
        start = above
    return start


def _rank_headings(text: str, starts: list[_Start]) -> list[_Start]:
    """Levels of reStructuredText headings: the order in which their underlines first occur."""
    styles: list[str] = []
    ranked = []
    for start, kind, level, label in starts:
        if kind != "heading":
            ranked.append((start, kind, level, label))
            continue
        rules = [m[0][0] for m in re.finditer(_RULE.pattern, text[start : start + 2000], re.MULTILINE)]
        lines = text[start : start + 2000].splitlines()
        over = next((index for index, line in enumerate(lines) if line.strip() and not line.startswith("..")), 0)
        style = (rules[0] if rules else "=") + ("o" if lines and _RULE.match(lines[over]) else "")
        if style not in styles:
            styles.append(style)
        ranked.append((start, kind, styles.index(style) + 1, label))
    return ranked


def _table_head(text: str, start: int, end: int) -> int:
    """End of a table's header rows: up to its first line of rules, or its first line."""
    lines = text[start:end].split("\n")
    position = start
    for number, line in enumerate(lines[:4]):
        position += len(line) + 1
        if number and re.fullmatch(r"[\s|:+=\-]+", line) and re.search(r"-|=", line):
            return min(position - 1, end)
    return start + len(lines[0])
