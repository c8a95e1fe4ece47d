"""Training rows in the manner of RAFT: the right passage among the retriever's own distractors, shuffled.

Some rows lack the right passage and are answered with a refusal; some have no passages at all, for the closed-book arm.
Prompts come from core.prompt, so that a row is token for token what vLLM is sent. Knows no model and no trainer.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel, ConfigDict

from core.answer_text import write_answer
from core.errors import LeakageError
from core.pack import DomainPack
from core.passages import CountTokens, contains_quote, to_passages
from core.prompt import PromptRequest, render
from core.types import Example, Passage

Progress = Callable[[int, int], None]


class RowOptions(BaseModel):
    """Shares and sizes of the training data.

    `smallest_budget` to `token_budget` (tokens of the language model) is the range from which each row draws its room
    for passages: rows differ in length, and training on short ones is quicker. `missing_share` of the answerable rows
    lose their right passage. `closed_share` of the examples get one more row without passages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_budget: int = 450
    smallest_budget: int = 150
    missing_share: float = 0.15
    closed_share: float = 0.25
    seed: int = 7


class Row(BaseModel):
    """One prompt and completion as chat messages. `kind`: grounded, missing, unanswerable or closed."""

    prompt: list[dict[str, str]]
    completion: list[dict[str, str]]
    example: str
    record: str
    kind: str


def check_leakage(pack: DomainPack) -> None:
    """Refuse training examples whose record or question is in the test set. Raises LeakageError naming the first."""
    tested = {example.record for example in pack.test_examples}
    questions = {" ".join(e.question.casefold().split()) for e in pack.test_examples}
    for example in pack.train_examples:
        if example.record in tested or " ".join(example.question.casefold().split()) in questions:
            raise LeakageError(
                f"{pack.train_file}: example '{example.id}' belongs to a test record or repeats a test question; "
                "remove it: what is tested must not be trained on"
            )


def build_rows(
    pack: DomainPack,
    retriever: BaseRetriever,
    count_tokens: CountTokens,
    options: RowOptions,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Build the rows of a pack's training examples, the same for the same seed, corpus and examples.

    Raises LeakageError. An example whose evidence is nowhere in the index becomes a refusal.
    """
    check_leakage(pack)
    rows: list[Row] = []
    for number, example in enumerate(pack.train_examples, start=1):
        rows.extend(_rows_of(example, pack, retriever, count_tokens, options))
        on_progress(number, len(pack.train_examples))
    random.Random(options.seed).shuffle(rows)
    return rows


def _rows_of(
    example: Example, pack: DomainPack, retriever: BaseRetriever, count_tokens: CountTokens, options: RowOptions
) -> Iterator[Row]:
    draw = random.Random(f"{options.seed}:{example.id}")
    budget = draw.randint(min(options.smallest_budget, options.token_budget), options.token_budget)
    found = retriever.invoke(example.question)
    drop = example.answerable and draw.random() < options.missing_share
    documents = _without_evidence(found, example) if drop else _with_evidence(found, example, retriever)
    if not drop:
        documents = _evidence_first(documents, example)
    passages = to_passages(documents, budget, count_tokens)
    order = list(passages)
    draw.shuffle(order)
    passages = [p.model_copy(update={"number": n}) for n, p in enumerate(order, start=1)]
    cited = _cited(example, passages)
    kind = "unanswerable" if not example.answerable else "grounded" if cited else "missing"
    yield _row(example, pack, passages, cited, kind)
    if example.answerable and draw.random() < options.closed_share:
        yield _row(example, pack, None, [], "closed")


def _row(example: Example, pack: DomainPack, passages: Sequence[Passage] | None, cited: list[int], kind: str) -> Row:
    request = PromptRequest(
        persona=pack.persona,
        refusal=pack.refusal,
        question=example.question,
        format=example.format,
        json_schema=pack.schema_for(example.format, example.schema_name),
        passages=None if passages is None else tuple(passages),
    )
    answer: Any = example.answer if kind in ("grounded", "closed") else None
    completion = write_answer(answer, example.format, cited, pack.refusal)
    return Row(
        prompt=render(request),
        completion=[{"role": "assistant", "content": completion}],
        example=example.id,
        record=example.record,
        kind=kind,
    )


def _cited(example: Example, passages: Sequence[Passage]) -> list[int]:
    """Numbers of the passages that hold the evidence; empty unless every quote stands somewhere."""
    numbers: list[int] = []
    for evidence in example.evidence:
        holders = contains_quote(passages, evidence.source, evidence.quote)
        if not holders:
            return []
        numbers.append(holders[0])
    return list(dict.fromkeys(numbers))


def _holds(document: Document, example: Example) -> bool:
    text = " ".join(document.page_content.split())
    source = document.metadata.get("source")
    return any(e.source == source and " ".join(e.quote.split()) in text for e in example.evidence)


def _without_evidence(documents: Sequence[Document], example: Example) -> list[Document]:
    return [d for d in documents if not _holds(d, example)]


def _with_evidence(documents: Sequence[Document], example: Example, retriever: BaseRetriever) -> list[Document]:
    """The found documents, plus those that hold the evidence where the search missed them."""
    kept = list(documents)
    for evidence in example.evidence:
        single = example.model_copy(update={"evidence": (evidence,)})
        if any(_holds(d, single) for d in kept):
            continue
        kept += [d for d in retriever.invoke(evidence.quote) if _holds(d, single)][:1]
    return kept


def _evidence_first(documents: Sequence[Document], example: Example) -> list[Document]:
    """Evidence enters the budget before distractors; the order shown is shuffled afterwards."""
    return sorted(documents, key=lambda d: not _holds(d, example))
