"""Training rows in the manner of RAFT: the right passage among the retriever's own distractors, many of them shuffled.

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
from core.prompt import CountMessages, PromptRequest, render
from core.types import STRUCTURED, Example, Passage
from finetune.siblings import Siblings

Progress = Callable[[int, int], None]
# Questions searched together.
_TOGETHER = 64
# Before every rank that a search gives.
_FIRST = -1
OnLeftOut = Callable[[str, str], None]
"""Told the id of an example that became no grounded row, and why."""

ANY_SCHEMA = "any"


class RowOptions(BaseModel):
    """Shares and sizes of the training data.

    `smallest_budget` to `token_budget` (tokens of the language model) is the range from which each row draws its room
    for passages: rows differ in length, and training on short ones is quicker. `missing_share` of the answerable rows
    lose their right passage. `shuffled_share` of the rows have their passages shuffled, so that what stands in them
    counts; the others keep the order found, which is how they are served. `closed_share` of the examples get one more
    row without passages. `any_schema_share` of the structured examples are asked without a schema's name, so that the
    prompt shows all of the pack's schemas, as in a chat where "whichever fits" is chosen. Up to `siblings` more
    questions are asked about the same passages, and with `sibling_refusals` of the answered rows one that they do not
    answer. No row is longer than `context_tokens`, the answer included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_budget: int = 450
    smallest_budget: int = 250
    missing_share: float = 0.2
    shuffled_share: float = 0.5
    closed_share: float = 0.25
    any_schema_share: float = 0.15
    siblings: int = 3
    sibling_refusals: float = 0.9
    context_tokens: int = 2048
    seed: int = 7


class Row(BaseModel):
    """One prompt and completion as chat messages. `kind`: grounded, missing, unanswerable, closed or uncited.

    `uncited` is an answerable example without evidence. Rows of a `group` begin alike: they share their passages, or
    have none and share format and schema. `schema_shown` is the schema's name, "any" or None; `tokens`
    counts prompt and completion (0 where nobody counted); `dropped` names passages that the context had no room for.
    """

    prompt: list[dict[str, str]]
    completion: list[dict[str, str]]
    example: str
    record: str
    kind: str
    group: str = ""
    schema_shown: str | None = None
    tokens: int = 0
    dropped: list[str] = []


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
    *,
    count_messages: CountMessages | None = None,
    on_left_out: OnLeftOut = lambda example, reason: None,
) -> list[Row]:
    """Build the rows of a pack's training examples, the same for the same seed, corpus and examples.

    Raises LeakageError. An example whose evidence is nowhere in the index becomes a refusal. With `count_messages`, a
    row over `context_tokens` loses its least likely distractors; one that is too long even so is left out and named.
    """
    check_leakage(pack)
    maker = _RowMaker(pack, count_tokens, options, count_messages, on_left_out)
    rows: list[Row] = []
    done, total = 0, len(pack.train_examples)
    for examples in _slices(pack.train_examples):
        # Asked together, questions share what a search costs.
        for example, found in zip(examples, retriever.batch([e.question for e in examples]), strict=True):
            rows.extend(maker.rows(example, found, retriever))
        done += len(examples)
        on_progress(done, total)
    random.Random(options.seed).shuffle(rows)
    return rows


def _slices(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    for start in range(0, len(examples), _TOGETHER):
        yield examples[start : start + _TOGETHER]


class _RowMaker:
    """Makes the rows of one example after the other."""

    def __init__(
        self,
        pack: DomainPack,
        count_tokens: CountTokens,
        options: RowOptions,
        count_messages: CountMessages | None,
        on_left_out: OnLeftOut,
    ) -> None:
        self.pack, self.count_tokens, self.options = pack, count_tokens, options
        self.count_messages, self.on_left_out = count_messages, on_left_out
        self.siblings = Siblings(pack.train_examples, options.siblings, options.sibling_refusals)

    def rows(self, example: Example, found: Sequence[Document], retriever: BaseRetriever) -> Iterator[Row]:
        """A row with passages and its siblings, perhaps one without. `found` is what the question's search gave."""
        options = self.options
        draw = random.Random(f"{options.seed}:{example.id}")
        budget = draw.randint(min(options.smallest_budget, options.token_budget), options.token_budget)
        drop = bool(example.answerable and draw.random() < options.missing_share and example.evidence)
        documents = _without_evidence(found, example) if drop else _with_evidence(found, example, retriever)
        if not drop:
            documents = [_led_by_evidence(d, example) if _holds(d, example) else d for d in documents]
        grounded = self._grounded(example, to_passages(documents, budget, self.count_tokens), draw)
        if grounded is not None:
            row, passages = grounded
            yield row
            yield from self._siblings(example, row, passages)
        if example.answerable and draw.random() < options.closed_share:
            row = self._row(example, None, [], "closed")
            if self._fits(row):
                yield row

    def _siblings(self, lead: Example, row: Row, passages: Sequence[Passage]) -> Iterator[Row]:
        """Rows of other examples over the passages of `lead`, whose row begins as theirs do."""
        draw = random.Random(f"{self.options.seed}:{lead.id}:siblings")
        any_schema = row.schema_shown == ANY_SCHEMA
        refused = row.kind in ("missing", "unanswerable")
        for example in self.siblings.of(lead, passages, draw, any_schema=any_schema, refused=refused):
            cited = _cited(example, passages)
            sibling = self._row(example, passages, cited, _kind(example, cited), schema=row.schema_shown, group=lead.id)
            if self._fits(sibling):
                yield sibling

    def _grounded(
        self, example: Example, ranked: list[Passage], draw: random.Random
    ) -> tuple[Row, list[Passage]] | None:
        """The row over these passages; the last ones go while it is too long, those with evidence stay."""
        dropped: list[str] = []
        shuffled = draw.random() < self.options.shuffled_share
        while True:
            order = list(ranked)
            if shuffled:
                draw.shuffle(order)
            passages = [p.model_copy(update={"number": n}) for n, p in enumerate(order, start=1)]
            cited = _cited(example, passages)
            row = self._row(example, passages, cited, _kind(example, cited)).model_copy(update={"dropped": dropped})
            if self._fits(row):
                return row, passages
            spare = [passage for passage in ranked if not _is_right(passage, example)]
            if not spare:
                self.on_left_out(
                    example.id, f"{row.tokens} tokens without any distractor, {self.options.context_tokens} are allowed"
                )
                return None
            dropped = [*dropped, f"{spare[-1].source} | {spare[-1].locator}"]
            ranked = [passage for passage in ranked if passage is not spare[-1]]

    def _fits(self, row: Row) -> bool:
        return row.tokens <= self.options.context_tokens

    def _row(
        self,
        example: Example,
        passages: Sequence[Passage] | None,
        cited: list[int],
        kind: str,
        *,
        schema: str | None = None,
        group: str = "",
    ) -> Row:
        schema = schema or self._schema_shown(example)
        request = PromptRequest(
            persona=self.pack.persona,
            refusal=self.pack.refusal,
            question=example.question,
            format=example.format,
            json_schema=self.pack.schema_for(example.format, None if schema == ANY_SCHEMA else schema),
            passages=None if passages is None else tuple(passages),
        )
        answer: Any = example.answer if kind in ("grounded", "closed", "uncited") else None
        prompt = render(request)
        completion = [{"role": "assistant", "content": write_answer(answer, example.format, cited, self.pack.refusal)}]
        return Row(
            prompt=prompt,
            completion=completion,
            example=example.id,
            record=example.record,
            kind=kind,
            group=group or (example.id if passages is not None else f"closed {example.format} {schema}"),
            schema_shown=schema,
            tokens=self.count_messages([*prompt, *completion]) if self.count_messages else 0,
        )

    def _schema_shown(self, example: Example) -> str | None:
        if example.format not in STRUCTURED:
            # Markdown is asked for under the headings of a named schema, never under those of any.
            return example.schema_name if example.format == "markdown" else None
        # A draw of its own: the other choices stay what they are when this share changes.
        draw = random.Random(f"{self.options.seed}:{example.id}:schema").random()
        several = len(self.pack.schemas) > 1
        return ANY_SCHEMA if several and draw < self.options.any_schema_share else example.schema_name


def _kind(example: Example, cited: list[int]) -> str:
    if not example.answerable:
        return "unanswerable"
    if not example.evidence:
        return "uncited"
    return "grounded" if cited else "missing"


def _is_right(passage: Passage, example: Example) -> bool:
    return any(contains_quote([passage], e.source, e.quote) for e in example.evidence)


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


def _led_by_evidence(document: Document, example: Example) -> Document:
    """The document with a rank before all others: it enters the budget before distractors.

    Of one that was joined from neighbours, the part that holds the evidence.
    """
    parts = document.metadata.get("parts")
    if not parts:
        return document.model_copy(update={"metadata": {**document.metadata, "rank": _FIRST}})
    holds = [
        _holds(document.model_copy(update={"page_content": document.page_content[part["from"] : part["to"]]}), example)
        for part in parts
    ]
    # A quote that runs over two parts needs them all.
    first = [held or not any(holds) for held in holds]
    ranked = [{**part, "rank": _FIRST if leads else part["rank"]} for part, leads in zip(parts, first, strict=True)]
    return document.model_copy(update={"metadata": {**document.metadata, "parts": ranked}})
