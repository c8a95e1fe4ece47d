"""Evidence recall for any search function: whether the quotes of an example stand in what was found.

Words are compared, not characters: pipelines that strip markup from their text are judged like those that keep it.
"""

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from langchain_core.documents import Document

from core.passages import CountTokens, to_passages
from core.types import Evidence, Example

_WORD = re.compile(r"[^\W_]+")
Search = Callable[[str], list[Document]]


def evidence_recall(
    search: Search, examples: Sequence[Example], count_tokens: CountTokens, *, k: int, budget: int
) -> float:
    """Share of answerable questions for which every quote stands in the first `k` documents within `budget` tokens."""
    asked = distinct(examples)
    return sum(holds_all(example, search(example.question)[:k], count_tokens, budget) for example in asked) / len(asked)


def distinct(examples: Sequence[Example]) -> list[Example]:
    """Answerable examples, each question with its evidence once (it may be asked in several formats)."""
    return list({(e.question, e.evidence): e for e in reversed(examples) if e.answerable}.values())


def holds_all(example: Example, documents: Sequence[Document], count_tokens: CountTokens, budget: int) -> bool:
    """Whether every quote stands in the documents that fit into `budget` tokens."""
    passages = to_passages(documents, budget, count_tokens)
    return all(any(_holds(p.source, p.text, evidence) for p in passages) for evidence in example.evidence)


def ranking(example: Example, documents: Sequence[Document], depth: int = 10) -> dict[str, float]:
    """Reciprocal rank of the first document that holds a quote, and nDCG: a quote counts where it is first found."""
    found = [
        next(
            (rank for rank, d in enumerate(documents[:depth]) if _holds(d.metadata["source"], d.page_content, e)), None
        )
        for e in example.evidence
    ]
    ranks = [rank for rank in found if rank is not None]
    best = sum(1 / math.log2(2 + rank) for rank in range(len(example.evidence)))
    # One document may hold several quotes: better than best is best.
    gained = min(best, sum(1 / math.log2(2 + rank) for rank in ranks))
    return {"mrr": 1 / (1 + min(ranks)) if ranks else 0.0, "ndcg": gained / best if best else 0.0}


def _holds(source: str, text: str, evidence: Evidence) -> bool:
    return source == evidence.source and _words(evidence.quote) in _words(text)


@lru_cache(maxsize=20_000)
def _words(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.casefold()), ""])
