"""Blocks of CSV, TSV and JSON lines: a table with its header row, cut between records, never inside a quoted cell.

The text stays as it is. Knows quotes, no columns.
"""

import re

from ingest.blocks import Block, ParsedDocument

# A quote that no other closes for so many lines is an inch mark.
_LONGEST_RECORD = 200
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")


def rows_document(text: str) -> ParsedDocument:
    """A document of records. Its first record, unless it is JSON, names the columns."""
    # Whole lines: an empty first cell is a tab at the start of its line.
    blank, rest = _BLANK_LINES.match(text), text.rstrip()
    start, end = blank.end() if blank else 0, len(rest)
    is_json = rest.startswith(("{", "["), len(rest) - len(rest.lstrip()))
    spans = _records(text, start, end, is_json=is_json)
    head = None if is_json else spans[0]
    blocks = []
    for first, last in _runs(text, spans):
        blocks.append(Block("table", first, last, head=head))
    return ParsedDocument(text, tuple(blocks))


def _records(text: str, start: int, end: int, *, is_json: bool) -> list[tuple[int, int]]:
    """Spans of the records: lines, joined while a quote is open."""
    spans: list[tuple[int, int]] = []
    opened, lines, position = start, 0, start
    pending: list[tuple[int, int]] = []
    is_open = False
    while position < end:
        stop = text.find("\n", position, end)
        stop = end if stop < 0 else stop
        pending.append((position, stop))
        is_open = not is_json and is_open ^ (text.count('"', position, stop) % 2 == 1)
        position, lines = stop + 1, lines + 1
        if not is_open:
            spans.append((opened, stop))
        elif lines >= _LONGEST_RECORD:
            spans += pending
            is_open = False
        else:
            continue
        opened, lines, pending = position, 0, []
    return [*spans, *pending]


def _runs(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Records of one line joined to runs, which may be cut at any line; a record of several lines stays by itself."""
    runs: list[tuple[int, int]] = []
    grows = False
    for start, end in spans:
        if end <= start:
            continue
        is_line = "\n" not in text[start:end]
        if is_line and grows:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
        grows = is_line
    return runs
