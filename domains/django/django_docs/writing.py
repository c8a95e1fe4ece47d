"""Writing Markdown: list items, quotes and code fences from text that is converted already."""

import textwrap


def list_item(marker: str, text: str) -> str:
    """A list item: the first line after the marker, the others indented below it."""
    return marker + textwrap.indent(text, " " * len(marker)).lstrip()


def block_quote(text: str) -> str:
    """Every line behind `>`."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def code_fence(lines: list[str], language: str) -> str:
    """A fenced code block, dedented; four ticks when the code holds three."""
    body = textwrap.dedent("\n".join(lines)).strip("\n").rstrip()
    ticks = "````" if "```" in body else "```"
    return f"{ticks}{language}\n{body}\n{ticks}"
