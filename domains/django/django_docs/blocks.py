"""Sphinx reStructuredText to Markdown, block by block: headings, lists, code, tables, directives.

Knows the markup that Django's documentation uses, not all of docutils. No raw directive or role is left over.
"""

import re
import textwrap

from .directives import (
    BOXES,
    CODE,
    OBJECTS,
    PICTURES,
    SECTIONS,
    SILENT,
    TAGS,
    VERSIONS,
    Directive,
    indent_of,
    indented_block,
    parse_directive,
    signature,
)
from .inline import inline
from .links import Links, title_at
from .lookahead import ANONYMOUS, ends_a_section, heading_follows, next_mark
from .tables import BORDER, convert_table, table_height
from .writing import block_quote, code_fence, list_item

_BULLET = re.compile(r"^([*+•-])( +)(?=\S)")
_NUMBER = re.compile(r"^(\d+|#)([.)])( +)(?=\S)")
_FIELD = re.compile(r"^:([^:`]+): *(.*)$")
_FOOTNOTE = re.compile(r"^\.\. \[#?([\w-]*)\] (.*)$")


class Page:
    """Converts one page. The only state: section levels by heading style, and names that wait for a heading."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._styles: list[str] = []
        self._level = 1
        self._waiting: list[Directive] = []
        self._options: list[Directive] = []

    def convert(self, source: str) -> str:
        """Return the page as Markdown, ending in one newline."""
        blocks = self._blocks(source.expandtabs(8).splitlines(), top=True)
        return "\n\n".join(block for block in blocks if block.strip()) + "\n"

    def _inline(self, text: str) -> str:
        return inline(text, self._links)

    def _body(self, lines: list[str], level: int | None = None) -> str:
        """Convert a nested body; `level` allows headings below it, at that depth."""
        return "\n\n".join(b for b in self._blocks(lines, level=level) if b.strip())

    def _blocks(self, lines: list[str], top: bool = False, level: int | None = None) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if not line.strip():
                at += 1
            elif top and (title := title_at(lines, at)):
                out += self._heading(title[0], title[1])
                at += title[2]
            elif line.startswith(".. ") or line.strip() == "..":
                end = indented_block(lines, at + 1)
                tail = ends_a_section(lines, end, top)
                depth = self._level if top else level
                out += self._explicit(lines[at:end], lines[end:], depth if tail else None, top)
                at = end
            else:
                text, at = self._plain(lines, at)
                out.append(text)
        return out

    def _plain(self, lines: list[str], at: int) -> tuple[str, int]:
        """Convert one block without explicit markup; return it and the index after it."""
        line = lines[at]
        if ANONYMOUS.match(line):
            return "", at + 1
        if _BULLET.match(line) or _NUMBER.match(line):
            return self._list(lines, at)
        if line.startswith(">>> "):
            end = _paragraph_end(lines, at)
            return code_fence(lines[at:end], "pycon"), end
        if BORDER.match(line):
            end = at + table_height(lines, at)
            return "\n".join(convert_table(lines[at:end], self._inline)), end
        if (field := _FIELD.match(line)) and not line.startswith(f":{field[1]}:`"):
            end = indented_block(lines, at + 1)
            text = self._inline(" ".join([field[2], *lines[at + 1 : end]]))
            name = re.sub(r"^(param|type) (\S+)$", r"`\2`", field[1])
            return (f"- **{name}**: {text}" if text else ""), end
        if indent_of(line):
            end = indented_block(lines, at)
            return self._body(textwrap.dedent("\n".join(lines[at:end])).splitlines()), end
        if at + 1 < len(lines) and indent_of(lines[at + 1]) and lines[at + 1].strip():
            return self._definition(lines, at)
        return self._paragraph(lines, at)

    def _heading(self, text: str, style: str) -> list[str]:
        if style not in self._styles:
            self._styles.append(style)
        self._level = min(self._styles.index(style) + 1, 6)
        heading = self._inline(text)
        names = [self._tag(tag, heading) for tag in self._waiting]
        self._waiting = []
        return ["#" * self._level + " " + heading, *names]

    def _paragraph(self, lines: list[str], at: int) -> tuple[str, int]:
        end = _paragraph_end(lines, at)
        text = " ".join(line.strip() for line in lines[at:end])
        if not text.endswith("::"):
            return self._inline(text), end
        text = text[:-2].rstrip() if text.endswith(" ::") or text == "::" else text[:-1]
        block = indented_block(lines, end)
        if block == end:
            return self._inline(text), end
        return f"{self._inline(text)}\n\n{code_fence(lines[end:block], '')}".strip(), block

    def _definition(self, lines: list[str], at: int) -> tuple[str, int]:
        end = indented_block(lines, at + 1)
        body = self._body(textwrap.dedent("\n".join(lines[at + 1 : end])).splitlines())
        return list_item("- ", f"**{self._inline(lines[at])}**: {body}"), end

    def _list(self, lines: list[str], at: int) -> tuple[str, int]:
        items: list[str] = []
        while at < len(lines) and (match := _BULLET.match(lines[at]) or _NUMBER.match(lines[at])):
            width = match.end()
            end = at + 1
            while end < len(lines) and (not lines[end].strip() or indent_of(lines[end]) > 0):
                end += 1
            first = lines[at][width:]
            rest = textwrap.dedent("\n".join(lines[at + 1 : end])).splitlines()
            number = match[1] if match[1] != "#" else str(len(items) + 1)
            marker = f"{number}. " if match.re is _NUMBER else "- "
            items.append(list_item(marker, self._body([first, *rest])))
            at = end
        loose = any("\n\n" in item for item in items)
        return ("\n\n" if loose else "\n").join(items), at

    def _explicit(self, block: list[str], after: list[str], level: int | None, top: bool) -> list[str]:
        """Convert a block that starts with `.. `. `level` is None where a heading would swallow what follows."""
        if footnote := _FOOTNOTE.match(block[0]):
            text = " ".join([footnote[2], *block[1:]])
            return [f"[{footnote[1] or 'note'}] {self._inline(text)}"]
        directive = parse_directive(block)
        if directive is None or directive.name in SILENT:
            return []
        name, words = directive.name, self._inline(" ".join(directive.argument))
        if name in SECTIONS:
            if not directive.body and next_mark(after, 0)[1] == name:
                self._options.append(directive)  # two options share the text that follows
                return []
            return [self._named(directive, self._level if top else level)]
        if name in OBJECTS:
            return [self._named(directive, level)]
        if name in TAGS:
            if top and not directive.body and heading_follows(after):
                self._waiting.append(directive)
                return []
            return [self._tag(directive, ""), self._body(directive.body)]
        if name in BOXES or name == "admonition":
            title = BOXES.get(name, words)
            inner = [*directive.argument, *directive.body] if name in BOXES else directive.body
            return [block_quote(f"**{title}{'' if title.endswith(('?', '!', '.')) else ':'}** {self._body(inner)}")]
        if name in VERSIONS:
            version, _, more = " ".join(directive.argument).partition(" ")
            text = self._body([more, *directive.body] if more else directive.body)
            return [f"*{VERSIONS[name].format(version)}.* {text}".strip()]
        return self._other(directive, words)

    def _other(self, directive: Directive, words: str) -> list[str]:
        name = directive.name
        if name in CODE:
            caption = self._inline(directive.options.get("caption", "")).strip("`")
            language = "console" if name == "console" else " ".join(directive.argument)
            fence = code_fence(directive.body, language)
            return [f"`{caption}`:" if caption else "", fence]
        if name in PICTURES:
            picture = directive.options.get("alt") or words
            return [f"(Picture: {self._inline(picture)})", self._body(directive.body)]
        if name == "toctree":
            return [] if "hidden" in directive.options else [self._contents(directive.body)]
        if name == "rubric":
            return [f"**{words}**"]
        return [f"**{words}**" if words else "", self._body(directive.body)]

    def _named(self, directive: Directive, level: int | None) -> str:
        name = ", ".join(map(signature, [*self._options, directive]))
        self._options = []
        if level is None or (not directive.body and directive.name not in SECTIONS):
            return f"**{name}**\n\n{self._body(directive.body)}".strip()
        depth = min(level + 1, 6)
        return f"{'#' * depth} {name}\n\n{self._body(directive.body, depth)}".strip()

    def _tag(self, directive: Directive, heading: str) -> str:
        name = " ".join(directive.argument)
        if heading.strip("`").lower() == name.lower():
            return ""
        synopsis = self._inline(directive.options.get("synopsis", ""))
        return f"{TAGS[directive.name]}: `{name}`" + (f" ({synopsis.rstrip('.')})" if synopsis else "")

    def _contents(self, body: list[str]) -> str:
        pages = [line.strip() for line in body if line.strip()]
        titles = [re.sub(r"\s*<[^>]*>$", "", p) if "<" in p else self._links.page_title(p) for p in pages]
        return "\n".join(f"- {self._inline(title)}" for title in titles)


def _paragraph_end(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at].strip():
        at += 1
    return at
