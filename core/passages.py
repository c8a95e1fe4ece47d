"""From retrieved documents to numbered passages within a token budget, and from an answer back to quotes.

Document metadata it reads: `source`, `locator`, `score`. Knows no retriever and no model.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from langchain_core.documents import Document

from core.answer_text import fold
from core.prompt import passage_text
from core.types import Citation, Passage

CountTokens = Callable[[str], int]
QUOTE_LIMIT = 300


def to_passages(documents: Iterable[Document], budget: int, count_tokens: CountTokens) -> list[Passage]:
    """Number documents in order while they fit into `budget` tokens; what does not fit is left out, later ones may fit.

    The first always enters, so that a budget smaller than one chunk does not mean an empty prompt.
    """
    passages: list[Passage] = []
    used = 0
    for document in documents:
        passage = to_passage(document, len(passages) + 1)
        size = count_tokens(passage_text(passage)) + 2
        if passages and used + size > budget:
            continue
        passages.append(passage)
        used += size
    return passages


def to_passage(document: Document, number: int) -> Passage:
    """One retrieved document as a passage."""
    meta = document.metadata
    return Passage(
        number=number,
        source=str(meta.get("source", "")),
        locator=str(meta.get("locator", "")),
        text=document.page_content,
        score=float(meta.get("score", 0.0)),
    )


def to_citations(cited: Sequence[int], passages: Sequence[Passage], answer_text: str) -> list[Citation]:
    """Citations for the passage numbers an answer named; numbers without a passage are dropped."""
    by_number = {passage.number: passage for passage in passages}
    return [
        Citation(
            number=number,
            source=by_number[number].source,
            locator=by_number[number].locator,
            quote=best_quote(by_number[number].text, answer_text),
        )
        for number in cited
        if number in by_number
    ]


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
