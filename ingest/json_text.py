"""Blocks of a JSON file: its text as it is, cut between members and items, so that no small object is torn apart.

Each block knows its path (`products[3]`, `limits > battery`), and stands under the headings of the keys above it.
Knows no schema.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from ingest.blocks import Block, ParsedDocument

# Containers up to this length stay whole; a chunk may hold several.
_WHOLE = 800
_DEEPEST = 40
_SPACE = re.compile(r"[ \t\n]*")
_BETWEEN = re.compile(r"[ \t\n]*,?[ \t\n]*")


class _Node(NamedTuple):
    """A member or an item: the span from its key to its end, where its value starts, and its name."""

    start: int
    value: int
    end: int
    name: str
    is_item: bool


def json_document(text: str) -> ParsedDocument:
    """The blocks of a JSON text. Raises ValueError with line and column when it is not JSON."""
    decoder = json.JSONDecoder(object_pairs_hook=_nothing)
    start = _SPACE.match(text, 0).end()  # type: ignore[union-attr]
    _, end = decoder.raw_decode(text, start)
    if text[end:].strip():
        raise ValueError("holds more than one JSON value")
    whole = _Node(start, start, end, "", is_item=False)
    blocks = list(_blocks(text, decoder, whole, "", 0))
    return ParsedDocument(text, tuple(blocks))


def _blocks(text: str, decoder: json.JSONDecoder, node: _Node, path: str, level: int) -> Iterator[Block]:
    """The node as one block, or, if it is long, what its parts yield. The blocks cover it from first to last mark."""
    if node.end - node.start <= _WHOLE or text[node.value] not in "{[" or level >= _DEEPEST:
        yield Block("code", node.start, node.end, place=path)
        return
    parts = list(_parts(text, decoder, node))
    if not parts:
        yield Block("code", node.start, node.end, place=path)
        return
    begin = node.start
    if node.name:
        # The key and the opening brace introduce what follows.
        yield Block("heading", begin, node.value + 1, level, node.name, place=path)
        begin = parts[0].start
    headed = False
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        stop = node.end if last else _BETWEEN.match(text, part.end).end()  # type: ignore[union-attr]
        stop = node.end if last else part.end + len(text[part.end : stop].rstrip())
        below = f"{path}[{index}]" if part.is_item else f"{path} > {part.name}" if path else part.name
        blocks = list(_blocks(text, decoder, part, below, level + 1))
        if headed and blocks[0].kind != "heading":
            # Ends the section of the member before.
            yield Block("heading", begin, begin, level + 1, place=below)
        headed = any(block.kind == "heading" for block in blocks)
        yield from _widened(blocks, begin, stop)
        begin = stop


def _widened(blocks: list[Block], begin: int, stop: int) -> Iterator[Block]:
    """`blocks` from `begin` to `stop`: brackets and commas around a part belong to its first and last block."""
    for index, block in enumerate(blocks):
        yield Block(
            block.kind,
            begin if index == 0 else block.start,
            stop if index == len(blocks) - 1 else block.end,
            block.level,
            block.label,
            place=block.place,
        )


def _parts(text: str, decoder: json.JSONDecoder, node: _Node) -> Iterator[_Node]:
    """Members of an object, or items of an array."""
    is_array = text[node.value] == "["
    position = _SPACE.match(text, node.value + 1).end()  # type: ignore[union-attr]
    while text[position] not in "}]":
        start, name = position, ""
        if not is_array:
            name, position = decoder.raw_decode(text, position)
            position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
            position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
        value = position
        _, position = decoder.raw_decode(text, value)
        yield _Node(start, value, position, name, is_array)
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]


def _nothing(_pairs: list[tuple[str, object]]) -> None:
    """Only spans are wanted, so no dictionaries are built."""
