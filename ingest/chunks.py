"""Blocks to chunks: whole blocks packed under their heading, long ones split at lines or sentences.

A chunk never mixes two headings, and never starts without one: what is embedded is the heading path and the text. The
token counter is passed in; knows no embedder, no format and no store.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from ingest.blocks import Block, ParsedDocument
from ingest.places import Places

CountTokens = Callable[[Sequence[str]], list[int]]
# Changing how chunks or their terms are made must make those of every document again.
VERSION = 4
_LONGEST_LEAD = 32
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"')\]`*]*\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class Chunk:
    """`text` is the document's text from `start` to `end` (table rows are preceded by the table's header rows).

    `place` is what readers call where it stands ("page 3"); lines count from 1, in formats that have lines.
    """

    ordinal: int
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    locator: str
    page: int | None = None
    place: str = ""
    first_line: int | None = None
    last_line: int | None = None

    @property
    def embedded(self) -> str:
        """What is embedded: the heading path as context, then the text."""
        return f"{' > '.join(self.headings)}\n{self.text}" if self.headings else self.text


class _Piece(NamedTuple):
    """A block or a part of it. `header` goes before it where it begins a chunk; `header_tokens`: what that adds."""

    block: Block
    tokens: int
    header: str = ""
    header_tokens: int = 0


def make_chunks(document: ParsedDocument, limit: int, count: CountTokens) -> list[Chunk]:
    """Cut `document` into chunks of at most `limit` tokens, in order. A single long word may be over the limit."""
    sizes = count([document.text[block.start : block.end] for block in document.blocks])
    places = Places(document)
    chunks: list[Chunk] = []
    for headings, blocks in _sections(document, sizes):
        room = max(limit - _size(count, " > ".join(headings)), limit // 2)
        pieces = [piece for block, size in blocks for piece in _split(document.text, block, size, room, count)]
        for group in _pack(document.text, pieces, room):
            if document.text[group[0].block.start : group[-1].block.end].strip():
                chunks.append(_chunk(document, places, len(chunks), group, headings))
    return chunks


def _sections(
    document: ParsedDocument, sizes: Sequence[int]
) -> Iterator[tuple[tuple[str, ...], list[tuple[Block, int]]]]:
    """Runs of blocks with their heading path. A heading without text of its own joins the section below it."""
    path: list[Block] = []
    blocks: list[tuple[Block, int]] = []
    page: int | None = None
    for block, size in zip(document.blocks, sizes, strict=True):
        deeper = block.kind == "heading" and path and block.level > path[-1].level
        only_headings = all(b.kind == "heading" for b, _ in blocks)
        new_page = block.page != page and block.page is not None
        if blocks and (
            (block.kind == "heading" and not (only_headings and deeper)) or (new_page and not only_headings)
        ):
            yield tuple(b.label for b in path if b.label), blocks
            blocks = []
        if block.kind == "heading":
            path = [above for above in path if above.level < block.level] + [block]
        page = block.page
        blocks.append((block, size))
    if blocks:
        yield tuple(b.label for b in path if b.label), blocks


def _pack(text: str, pieces: Sequence[_Piece], room: int) -> Iterator[list[_Piece]]:
    """Groups of neighbouring pieces, about equally long, so that no crumb is left at the end of a section."""
    left = sum(piece.tokens for piece in pieces)
    group: list[_Piece] = []
    used = 0
    for piece in pieces:
        target = left / max(1, ceil(left / room))
        leads = bool(group) and _leads_in(text, group[-1])
        full = used + piece.tokens > room or used + piece.tokens / 2 > target
        if group and full and not (leads and used + piece.tokens <= room):
            keep = [group.pop()] if leads and len(group) > 1 and group[-1].tokens + piece.tokens <= room else []
            yield group
            left -= sum(done.tokens for done in group)
            group, used = keep, sum(kept.tokens for kept in keep)
        used += piece.tokens + (0 if group else piece.header_tokens)
        group.append(piece)
    if group:
        yield group


def _leads_in(text: str, piece: _Piece) -> bool:
    """Whether a piece only introduces what stands below it. A long one says something by itself."""
    block = piece.block
    return block.kind == "heading" or (
        piece.tokens <= _LONGEST_LEAD and text[block.start : block.end].rstrip("*_`").endswith(":")
    )


def _split(text: str, block: Block, size: int, room: int, count: CountTokens) -> Iterator[_Piece]:
    """The block itself, or its parts if it is too long: lines of tables, code and lists, sentences, at last words."""
    header = text[slice(*block.head)] if block.head else ""
    has_own_head = block.head is not None and block.start < block.head[1]
    head_size = _size(count, header) if header and (size > room or not has_own_head) else 0
    if head_size > room // 2:
        header, head_size = "", 0
    if size <= room - (0 if has_own_head else head_size):
        yield _Piece(block, size) if has_own_head else _Piece(block, size, header, head_size)
        return
    by_line = block.kind in ("table", "code") or "\n" in text[block.start : block.end].strip()
    cuts = [m.end() for m in re.finditer(r"\n" if by_line else _SENTENCE.pattern, text[block.start : block.end])]
    spans = _spans(block.start, block.end, cuts)
    sizes = count([text[a:b] for a, b in spans])
    for start, end, tokens in _join(text, spans, sizes, room - head_size, count):
        row = None if block.row is None else block.row + text.count("\n", block.start, start)
        part = replace(block, start=start, end=end, row=row)
        holds_head = block.head is not None and start < block.head[1]
        yield _Piece(part, tokens) if holds_head else _Piece(part, tokens + head_size, header)


def _spans(start: int, end: int, cuts: Sequence[int]) -> list[tuple[int, int]]:
    edges = [start, *(start + cut for cut in cuts if start + cut < end), end]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def _join(
    text: str, spans: Sequence[tuple[int, int]], sizes: Sequence[int], room: int, count: CountTokens
) -> Iterator[tuple[int, int, int]]:
    """Neighbouring spans joined up to `room` tokens; a span that is too long by itself is cut at words."""
    start, end, used = spans[0][0], spans[0][0], 0
    for (a, b), size in zip(spans, sizes, strict=True):
        if used and used + size > room:
            yield start, end, used
            start, used = a, 0
        if size > room:
            cuts = [m.end() for m in re.finditer(r"\s+|(?<=[^\w\s])", text[a:b])] or list(range(room, b - a, room))
            words = _spans(a, b, cuts)
            if len(words) > 1:
                *parts, (start, end, used) = _join(text, words, count([text[c:d] for c, d in words]), room, count)
                yield from parts
                continue
        end = b
        used += size
    if used:
        yield start, end, used


def _size(count: CountTokens, text: str) -> int:
    return count([text])[0] if text else 0


def _chunk(
    document: ParsedDocument, places: Places, ordinal: int, group: Sequence[_Piece], headings: tuple[str, ...]
) -> Chunk:
    start, end = group[0].block.start, group[-1].block.end
    body = document.text[start:end]
    end -= len(body) - len(body.rstrip())
    start += len(body) - len(body.lstrip("\n"))
    if not group[0].header:
        stripped = document.text[start:end].lstrip()
        # An indent is a part of code, and in a table it may be an empty cell.
        start = end - len(stripped) if group[0].block.kind not in ("code", "table") else start
    text = document.text[start:end]
    if group[0].header:
        text = f"{group[0].header}\n{text}"
    blocks = [piece.block for piece in group]
    page = next((block.page for block in blocks if block.kind != "heading"), blocks[0].page)
    place, lines = places.of(blocks), places.lines(start, end)
    return Chunk(ordinal, start, end, text, headings, places.locator(place, headings, start, end), page, place, *lines)
