"""XML: the bulletin feed, text in elements."""

from xml.sax.saxutils import escape

from ..blocks import Document, Heading, Text


def write(document: Document) -> bytes:
    """One `bulletin` element per chapter; its paragraphs are `p` elements."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<bulletins>", f"  <title>{escape(document.title)}</title>"]
    lines.append(f"  <edition>{escape(document.imprint)}</edition>")
    is_open = False
    for block in document.blocks:
        match block:
            case Heading(text):
                lines += ["  </bulletin>"] * is_open
                lines += ["  <bulletin>", f"    <title>{escape(text)}</title>"]
                is_open = True
            case Text(text):
                lines.append(f"    <p>{escape(text)}</p>")
            case _:
                raise ValueError(f"{document.path}: the feed holds headings and text")
    lines += ["  </bulletin>"] * is_open
    return ("\n".join([*lines, "</bulletins>"]) + "\n").encode()
