"""Of the tables and lists in a passage, the records that the question asks about: the others cost room and mislead.

A model copies values from the row beside the right one, the more so the smaller it is. No word of the question that a
record holds is lost with those that go. Knows LangChain documents and words with their weights; no index.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document

from retriever.lines import share_held, stems, wanted_stems
from retriever.records import Records, records_in

# A record that holds at least this share of what the best one holds may be the one that is meant.
_AS_GOOD = 0.5


def narrow(document: Document, headings: str, weights: Mapping[str, float], *, inside: bool = False) -> Document:
    """The passage without records that hold nothing of the question, where others do; else as it is.

    `weights` are the question's words with their rarity, `headings` what stands above the passage. Words that stand
    there, or in the passage outside the records, say which table is meant and not which row. Metadata `left_out`: the
    places of the records that went (`start` and `end`, `first_line` and `last_line`, of the document); `parts` are
    moved.
    """
    lines = document.page_content.split("\n")
    found = records_in(lines, str(document.metadata.get("source", "")))
    gone = set[int]()
    for records in found:
        gone |= _lines_to_leave_out(lines, records, headings, weights, inside=inside)
    if not gone:
        return document
    return _Cut(document, lines, gone, {number for records in found for number in records.names}).narrowed()


def _lines_to_leave_out(
    lines: Sequence[str], records: Records, headings: str, weights: Mapping[str, float], *, inside: bool
) -> set[int]:
    own = {number for row in records.rows for number in row}
    around = stems("\n".join([headings, *(line for number, line in enumerate(lines) if number not in own)]))
    wanted = {word: weight for word, weight in wanted_stems(weights).items() if weight and word not in around}
    held = [
        {word: share for word in wanted if (share := share_held(word, words, inside=inside))}
        for words in (stems("\n".join(lines[row.start : row.stop])) for row in records.rows)
    ]
    scores = [sum(wanted[word] * share for word, share in words.items()) for words in held]
    best = max(scores)
    if not best:
        return set()
    good = [score >= _AS_GOOD * best for score in scores]
    lost = {word for words in held for word in words} - {
        w for words, kept in zip(held, good, strict=True) if kept for w in words
    }
    out = [not kept and not lost & words.keys() for words, kept in zip(held, good, strict=True)]
    return {number for row, leaves in zip(records.rows, out, strict=True) if leaves for number in row}


class _Cut:
    """Lines cut out of a document: the text that is left, and where in it everything is."""

    def __init__(self, document: Document, lines: Sequence[str], gone: set[int], names: set[int]) -> None:
        self._document, self._lines, self._gone, self._names = document, lines, gone, names
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._spans = list(self._cuts())

    def narrowed(self) -> Document:
        old, meta = self._document.page_content, dict(self._document.metadata)
        edges = [0, *(edge for span in self._spans for edge in span), len(old)]
        text = "".join(old[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2))
        if meta.get("start") is not None and meta.get("end") is not None:
            meta["left_out"] = [self._place(*span) for span in self._spans]
        if meta.get("parts"):
            meta["parts"] = self._parts(meta["parts"])
        return Document(page_content=text, metadata=meta, id=self._document.id)

    def _cuts(self) -> Iterator[tuple[int, int]]:
        """Spans of the old text, each with one line end, so that what is left is lines again.

        A span lies within one part, whose text and place it is cut out of. It takes the line end before it, but at the
        beginning of a part that goes on the one after it.
        """
        begins = {part["from"] for part in self._document.metadata.get("parts") or ()} | {0}
        first = None
        for number in range(len(self._lines) + 1):
            new_part = self._starts[number] in begins
            if first is not None and (number not in self._gone or new_part):
                after = self._starts[first] in begins and number < len(self._lines) and not (new_part and first)
                yield self._starts[first] - (not after), self._starts[number] - (not after)
                first = None
            if number in self._gone and first is None:
                first = number

    def _place(self, start: int, end: int) -> dict[str, int]:
        old, meta = self._document.page_content, self._document.metadata
        # Table rows may be preceded by a header that stands elsewhere in the document.
        own = len(old) - (meta["end"] - meta["start"])
        place = {"start": meta["start"] + start - own, "end": meta["start"] + end - own}
        if meta.get("first_line") is not None:
            # Where the line end before the rows goes with them, they begin one line later.
            first = meta["first_line"] + old.count("\n", own, start + (old[start] == "\n"))
            place |= {"first_line": first, "last_line": first + old.count("\n", start, end) - 1}
        return place

    def _moved(self, position: int) -> int:
        return position - sum(min(end, position) - start for start, end in self._spans if start < position)

    def _parts(self, parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The parts that still have text of their own; what is left of the others, names, goes to the next one."""
        kept: list[dict[str, Any]] = []
        header: dict[str, Any] | None = None
        for part in parts:
            moved = part | {"from": self._moved(part["from"]), "to": self._moved(part["to"])}
            if header is not None:
                moved |= {"from": header["from"], "head": header["head"], "rank": min(header["rank"], moved["rank"])}
                header = None
            if self._has_own(part):
                kept.append(moved)
            elif moved["to"] > moved["from"]:
                header = moved
        if header is not None and kept:
            kept[-1]["to"] = header["to"]
        return kept

    def _has_own(self, part: Mapping[str, Any]) -> bool:
        return any(
            line.strip() and number not in self._gone and number not in self._names
            for number, line in enumerate(self._lines)
            if part["from"] <= self._starts[number] < part["to"]
        )
