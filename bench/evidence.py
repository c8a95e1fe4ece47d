"""Evidence recall for any search function: whether the quotes of an example stand in what was found.

Words are compared, not characters: pipelines that strip markup from their text are judged like those that keep it.
"""

import re
from collections.abc import Callable, Sequence

from langchain_core.documents import Document

from core.passages import CountTokens, to_passages
from core.types import Example

_WORD = re.compile(r"[^\W_]+")
Search = Callable[[str], list[Document]]


def evidence_recall(
    search: Search, examples: Sequence[Example], count_tokens: CountTokens, *, k: int, budget: int
) -> float:
    """Share of answerable questions for which every quote stands in the first `k` documents within `budget` tokens."""
    asked = distinct(examples)
    return sum(_holds_all(example, search(example.question)[:k], count_tokens, budget) for example in asked) / len(
        asked
    )


def distinct(examples: Sequence[Example]) -> list[Example]:
    """Answerable examples, each question with its evidence once (it may be asked in several formats)."""
    return list({(e.question, e.evidence): e for e in reversed(examples) if e.answerable}.values())


def _holds_all(example: Example, documents: Sequence[Document], count_tokens: CountTokens, budget: int) -> bool:
    passages = to_passages(documents, budget, count_tokens)
    texts = [(passage.source, _words(passage.text)) for passage in passages]
    return all(
        any(source == evidence.source and _words(evidence.quote) in text for source, text in texts)
        for evidence in example.evidence
    )


def _words(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.casefold()), ""])
