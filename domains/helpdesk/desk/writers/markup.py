"""Text formats: Markdown, reStructuredText, plain text and HTML."""

import textwrap
from collections.abc import Iterator
from html import escape

from ..blocks import Block, Bullets, Code, Document, Heading, Steps, Table, Text

_WIDTH = 100
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;color:#222}h1,h2{color:#1f5c4d}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3em .7em;text-align:left}"
)


def write_markdown(document: Document) -> bytes:
    """The document as Markdown."""
    return _joined([f"# {document.title}", *_imprint(document, "*{}*"), *map(_markdown, document.blocks)])


def write_rst(document: Document) -> bytes:
    """The document as reStructuredText."""
    rule = "=" * len(document.title)
    return _joined([f"{rule}\n{document.title}\n{rule}", *_imprint(document, "*{}*"), *map(_rst, document.blocks)])


def write_text(document: Document) -> bytes:
    """The document as plain text, headings underlined, lines of at most 100 characters."""
    title = f"{document.title}\n{'=' * len(document.title)}"
    return _joined([title, *_imprint(document, "{}"), *map(plain, document.blocks)])


def write_html(document: Document) -> bytes:
    """The document as one page without scripts or links to elsewhere."""
    body = [
        f"<h1>{escape(document.title)}</h1>",
        *(f"<p><em>{escape(document.imprint)}</em></p>" for _ in document.imprint[:1]),
    ]
    for block in document.blocks:
        body += _html(block)
    head = f'<meta charset="utf-8">\n<title>{escape(document.title)}</title>\n<style>{_STYLE}</style>'
    lines = "\n".join(line for line in body if line)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{lines}\n</body>\n</html>\n'.encode()


def _imprint(document: Document, form: str) -> Iterator[str]:
    if document.imprint:
        yield form.format(document.imprint)


def _joined(parts: list[str]) -> bytes:
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Text(text):
            return text
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Steps(items):
            return "\n".join(f"{number}. {item}" for number, item in enumerate(items, start=1))
        case Table(head, rows):
            lines = [head, tuple("---" for _ in head), *rows]
            return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
        case Code(text, language):
            return f"```{language}\n{text}\n```"
        case _:
            return ""


def _rst(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{text}\n{('-' if level == 2 else '~') * len(text)}"
        case Table(head, rows):
            lines = [".. list-table::", "   :header-rows: 1", ""]
            for row in (head, *rows):
                lines += [f"   {'*' if n == 0 else ' '} - {cell}" for n, cell in enumerate(row)]
            return "\n".join(lines)
        case _:
            return _markdown(block)


def plain(block: Block) -> str:
    """A block as plain text, lines of at most 100 characters."""
    match block:
        case Heading(text):
            return f"{text}\n{'-' * len(text)}"
        case Text(text):
            return textwrap.fill(text, _WIDTH)
        case Bullets() | Steps():
            return "\n".join(_hanging(line) for line in _markdown(block).split("\n"))
        case Table(head, rows):
            widths = [max(len(str(value)) for value in column) + 2 for column in zip(head, *rows, strict=True)]
            lines = (
                "".join(str(v).ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
            )
            return "\n".join(lines)
        case _:
            return ""


def _hanging(line: str) -> str:
    return textwrap.fill(line, _WIDTH, subsequent_indent=" " * (line.index(" ") + 1))


def _html(block: Block) -> list[str]:
    match block:
        case Heading(text, level):
            return [f"<h{level}>{escape(text)}</h{level}>"]
        case Text(text):
            return [f"<p>{escape(text)}</p>"]
        case Bullets(items) | Steps(items):
            tag = "ul" if isinstance(block, Bullets) else "ol"
            return [f"<{tag}>", *(f"<li>{escape(item)}</li>" for item in items), f"</{tag}>"]
        case Table(head, rows):
            cells = [_cells("th", head), *(_cells("td", row) for row in rows)]
            return ["<table>", *cells, "</table>"]
        case _:
            return []


def _cells(tag: str, row: tuple[str | int, ...]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in row) + "</tr>"
