"""From retrieved documents to numbered passages within a token budget, and from an answer back to quotes.

Document metadata it reads, all optional: `source`, `locator`, `score`, `corpus`, `page`, `place`, `start`, `end`,
`first_line`, `last_line`; and of a document that was joined from neighbouring chunks `parts`, in the order of the text,
each with `from` and `to` (characters of the document's text), `rank` (place among all chunks found), `head` (the table
header it needs when it stands first) and its own `locator` and place. `rank` alone stands for a single chunk.
`left_out` are the places of table rows and list entries that the text goes without.
Knows no retriever and no model.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document

from core.answer_text import fold
from core.prompt import passage_text
from core.types import Citation, Passage, Place

CountTokens = Callable[[str], int]
QUOTE_LIMIT = 300
_PLACE_KEYS = ("page", "place", "start", "end", "first_line", "last_line")


def to_passages(documents: Iterable[Document], budget: int, count_tokens: CountTokens) -> list[Passage]:
    """Number documents in order while they fit into `budget` tokens; what does not fit is left out, later ones may fit.

    Of a joined document those parts enter that fit, best first: joining never takes the place of a better hit. The
    first always enters, so that a budget smaller than one chunk does not mean an empty prompt.
    """
    room = _Room(list(documents), budget, count_tokens)
    for index, part in _by_rank(room.documents):
        room.take(index, part)
    chosen = [_cut(room.documents[index], *room.spans[index]) for index in sorted(room.spans)]
    return [to_passage(document, number) for number, document in enumerate(chosen, start=1)]


class _Room:
    """The budget, and which parts of which documents have been taken into it (`spans`: first and last part)."""

    def __init__(self, documents: list[Document], budget: int, count_tokens: CountTokens) -> None:
        self.documents = documents
        self.spans: dict[int, tuple[int, int]] = {}
        self._budget, self._count = budget, count_tokens
        self._sizes: dict[int, int] = {}
        self._waiting: set[tuple[int, int]] = set()

    def take(self, index: int, part: int) -> None:
        """Take a part if it fits; one that is not beside those taken of its document waits until it is."""
        first, last = self.spans.get(index, (part, part))
        if not first - 1 <= part <= last + 1:
            self._waiting.add((index, part))
            return
        span = min(first, part), max(last, part)
        document = _cut(self.documents[index], *span)
        size = self._count(passage_text(to_passage(document, len(self.documents)))) + 2
        used = sum(self._sizes.values()) - self._sizes.get(index, 0)
        if self.spans and used + size > self._budget:
            return
        self.spans[index], self._sizes[index] = span, size
        for neighbour in (span[0] - 1, span[1] + 1):
            if (index, neighbour) in self._waiting:
                self._waiting.remove((index, neighbour))
                self.take(index, neighbour)


def to_passage(document: Document, number: int) -> Passage:
    """One retrieved document as a passage."""
    meta = document.metadata
    return Passage(
        number=number,
        source=str(meta.get("source", "")),
        locator=str(meta.get("locator", "")),
        text=document.page_content,
        score=float(meta.get("score", 0.0)),
        corpus=str(meta.get("corpus", "")),
        parts=tuple(Place(**_place(part)) for part in meta.get("parts") or ()),
        left_out=tuple(Place(**_place(place)) for place in meta.get("left_out") or ()),
        **_place(meta),
    )


def _place(meta: Mapping[str, Any]) -> dict[str, Any]:
    return {key: meta[key] for key in _PLACE_KEYS if meta.get(key) is not None}


def _by_rank(documents: Sequence[Document]) -> list[tuple[int, int]]:
    """Every part of every document, best first; documents without ranks in the order in which they came."""
    ranked = []
    for index, document in enumerate(documents):
        parts: Sequence[dict[str, Any]] = document.metadata.get("parts") or (document.metadata,)
        ranked += [(part.get("rank", index), index, number) for number, part in enumerate(parts)]
    return [(index, number) for _, index, number in sorted(ranked)]


def _cut(document: Document, first: int, last: int) -> Document:
    """A joined document with the parts from `first` to `last` only."""
    parts: list[dict[str, Any]] = document.metadata.get("parts") or []
    if last - first + 1 >= len(parts):
        return document
    kept = parts[first : last + 1]
    text = kept[0]["head"] + document.page_content[kept[0]["from"] : kept[-1]["to"]]
    metadata = {
        key: value for key, value in document.metadata.items() if key not in (*_PLACE_KEYS, "parts", "last_page")
    }
    locator = kept[0]["locator"] if len(kept) == 1 else document.metadata.get("locator", "")
    metadata |= _place(kept[0]) | {"locator": locator}
    if len(kept) > 1:
        metadata["parts"] = kept
    metadata |= {key: kept[-1][key] for key in ("end", "last_line") if key in kept[-1]}
    if rows := metadata.get("left_out"):
        metadata["left_out"] = [row for row in rows if metadata["start"] <= row["start"] < metadata["end"]]
    return Document(page_content=text, metadata=metadata)


def to_citations(cited: Sequence[int], passages: Sequence[Passage], answer_text: str) -> list[Citation]:
    """Citations for the passage numbers an answer named; numbers without a passage are dropped."""
    by_number = {passage.number: passage for passage in passages}
    return [_citation(by_number[number], answer_text) for number in cited if number in by_number]


def _citation(passage: Passage, answer_text: str) -> Citation:
    quote = best_quote(passage.text, answer_text)
    return Citation(
        number=passage.number,
        source=passage.source,
        locator=passage.locator,
        quote=quote,
        corpus=passage.corpus,
        **_place_of_quote(passage, quote),
    )


def _place_of_quote(passage: Passage, quote: str) -> dict[str, Any]:
    """Where the quote stands in the document: its characters, and its lines where the passage's are known."""
    place: dict[str, Any] = {"page": passage.page, "place": passage.place}
    at = passage.text.find(quote)
    if passage.start is None or passage.end is None:
        return place
    sizes = [(gap.end or 0) - (gap.start or 0) for gap in passage.left_out]
    # Table rows may be preceded by a header that stands elsewhere in the document.
    own = len(passage.text) + sum(sizes) - (passage.end - passage.start)
    if at < own:
        return place
    start = passage.start + at - own
    skipped = 0
    for gap, size in zip(passage.left_out, sizes, strict=True):
        if (gap.start or 0) <= start:
            start += size
            skipped += 1 + (gap.last_line or 0) - (gap.first_line or 0)
    # Of a passage that runs over several pages, the one that the quote begins on.
    part = next((part for part in reversed(passage.parts) if part.start is not None and part.start <= start), passage)
    place = {"page": part.page, "place": part.place, "start": start, "end": start + len(quote)}
    if passage.first_line is not None:
        first = passage.first_line + passage.text.count("\n", own, at) + skipped
        place |= {"first_line": first, "last_line": first + quote.count("\n")}
    return place


def best_quote(passage: str, answer: str) -> str:
    """The sentence or line of `passage` that shares most words with `answer`, verbatim, cut at QUOTE_LIMIT."""
    wanted = set(fold(answer).split())
    spans = [
        part for line in passage.splitlines() for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`*\[])", line) if part.strip()
    ]
    if not spans:
        return passage[:QUOTE_LIMIT]

    def overlap(span: str) -> float:
        words = fold(span).split()
        return sum(word in wanted for word in set(words)) / (len(words) + 8) ** 0.5 if words else 0.0

    return max(spans, key=overlap).strip()[:QUOTE_LIMIT]


def contains_quote(passages: Iterable[Passage], source: str, quote: str) -> list[int]:
    """Numbers of the passages of `source` that hold `quote`, white space folded."""
    wanted = " ".join(quote.split())
    return [p.number for p in passages if p.source == source and wanted in " ".join(p.text.split())]
