"""Training rows for dpo and kto: prompts as served, with a better and a worse answer, or one with its judgement.

Prompts come from core.prompt over the passages that the answer was given over, or over what a search finds now.
Knows no model and no trainer.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.retrievers import BaseRetriever

from core.answer_text import mark_spans, write_answer
from core.errors import TrainError
from core.files import read_json, sha256_file, sha256_json, write_json, write_lines
from core.pack import DomainPack
from core.passages import CountTokens, contains_quote, to_passages
from core.prompt import CountMessages, Message, PromptRequest, render
from core.types import STRUCTURED, Passage, user_in
from finetune.dataset import RowsCard, SearchedIndex, spread
from finetune.preferences import Preference, Side, read_preferences

# Fewer say nothing about what people want.
FEWEST = 4


def build_preference_rows(
    pack: DomainPack,
    files: Sequence[Path],
    data: str,
    retriever: BaseRetriever,
    count_tokens: CountTokens,
    count_messages: CountMessages,
    folder: Path,
    *,
    token_budget: int,
    context_tokens: int,
    prompt_hash: str,
    index: SearchedIndex,
) -> tuple[RowsCard, Path]:
    """Build or reuse the rows in `folder`: `data` is "pairs" or "judgements". Returns their card and their file.

    A pair is also two judgements; two judgements of one prompt that differ are also a pair. Raises TrainError where
    fewer than 4 rows come of it, LeakageError.
    """
    preferences = read_preferences(files, pack)
    rows_file, card_file = folder / f"{data}.jsonl", folder / f"{data}-card.json"
    inputs = sha256_json(
        {
            "files": [sha256_file(path) for path in files if path.exists()],
            "persona": [pack.persona, pack.refusal, pack.schemas],
            "sizes": [token_budget, context_tokens],
            "prompt": prompt_hash,
            "index": index.fingerprint,
        }
    )
    if rows_file.exists() and card_file.exists():
        known = RowsCard.model_validate(read_json(card_file, TrainError))
        if (known.inputs, known.corpus) == (inputs, index.corpus):
            return known, rows_file
    maker = _Prompts(pack, retriever, count_tokens, token_budget)
    rows = _pairs(maker, preferences) if data == "pairs" else _judgements(maker, preferences)
    sizes = [max(count_messages([*row["prompt"], *row[key]]) for key in _answers(row)) for row in rows]
    sized = [{**row, "tokens": size} for row, size in zip(rows, sizes, strict=True)]
    fitting = [row for row in sized if row["tokens"] <= context_tokens]
    people = Counter(user for row in fitting for user in row["users"])
    kept = [{key: value for key, value in row.items() if key != "users"} for row in fitting]
    if len(kept) < FEWEST:
        kind = "pairs of a better and a worse answer" if data == "pairs" else "judged answers"
        where = " or ".join(str(path) for path in files)
        raise TrainError(
            f"domain '{pack.name}' has {len(kept)} {kind}, at least {FEWEST} are needed: write them into {where} "
            "(docs/fine-tuning.md shows how)"
        )
    card = RowsCard(
        domain=pack.name,
        data_hash=sha256_json(kept),
        prompt_hash=prompt_hash,
        test_hash=sha256_file(pack.test_file) if pack.test_file.exists() else None,
        inputs=inputs,
        rows=len(kept),
        records=len({row["record"] for row in kept}),
        examples=len(preferences),
        test_examples=len(pack.test_examples),
        tokens=spread([row["tokens"] for row in kept]),
        people=people,
        corpus=index.corpus,
        corpus_generation=index.generation,
    )
    write_lines(rows_file, kept)
    write_json(card_file, card.model_dump())
    return card, rows_file


class _Prompts:
    """Renders prompts and answers of preferences."""

    def __init__(self, pack: DomainPack, retriever: BaseRetriever, count_tokens: CountTokens, budget: int) -> None:
        self.pack, self.retriever, self.count_tokens, self.budget = pack, retriever, count_tokens, budget

    def prompt(self, preference: Preference) -> tuple[list[Message], list[int]]:
        """The prompt, and the numbers of the passages that hold the evidence."""
        passages = self._passages(preference)
        cited: list[int] = []
        for evidence in preference.evidence:
            cited += contains_quote(passages, evidence.source, evidence.quote)[:1]
        request = PromptRequest(
            persona=self.pack.persona,
            refusal=self.pack.refusal,
            question=preference.question,
            format=preference.format,
            json_schema=self.pack.schema_for(preference.format, preference.schema_name),
            # An answer that was given without any passage was asked for without: the closed-book arms.
            passages=None if preference.passages == () else tuple(passages),
        )
        return render(request), list(dict.fromkeys(cited))

    def answer(self, side: Side, preference: Preference, cited: Sequence[int]) -> list[Message]:
        """One answer as the model should, or should not, have written it."""
        if isinstance(side, str) and (preference.format in STRUCTURED or mark_spans(side)):
            text = side  # as the model wrote it: with its envelope, or its marks
        else:
            text = write_answer(side, preference.format, [] if side is None else cited, self.pack.refusal)
        return [{"role": "assistant", "content": text}]

    def _passages(self, preference: Preference) -> list[Passage]:
        if preference.passages is not None:
            shown = enumerate(preference.passages, start=1)
            return [Passage(number=n, source=p.source, locator=p.locator, text=p.text) for n, p in shown]
        return to_passages(self.retriever.invoke(preference.question), self.budget, self.count_tokens)


def _pairs(maker: _Prompts, preferences: Sequence[Preference]) -> list[dict[str, Any]]:
    rows = []
    judged: dict[str, dict[bool, tuple[Preference, list[Message], list[Message]]]] = {}
    for preference in preferences:
        prompt, cited = maker.prompt(preference)
        answers = [maker.answer(side, preference, cited) for side in preference.sides]
        if preference.is_pair:
            rows.append(_row([preference], prompt, chosen=answers[0], rejected=answers[1]))
        else:
            known = judged.setdefault(sha256_json(prompt), {})
            known.setdefault(bool(preference.good), (preference, prompt, answers[0]))
    for sides in judged.values():
        if len(sides) == 2 and sides[True][2] != sides[False][2]:
            preference, prompt, chosen = sides[True]
            rows.append(_row([preference, sides[False][0]], prompt, chosen=chosen, rejected=sides[False][2]))
    return rows


def _judgements(maker: _Prompts, preferences: Sequence[Preference]) -> list[dict[str, Any]]:
    rows = []
    for preference in preferences:
        prompt, cited = maker.prompt(preference)
        good = [True, False] if preference.is_pair else [bool(preference.good)]
        for side, label in zip(preference.sides, good, strict=True):
            rows.append(_row([preference], prompt, completion=maker.answer(side, preference, cited), label=label))
    return rows


def _row(sources: Sequence[Preference], prompt: list[Message], **answers: Any) -> dict[str, Any]:
    """One row, named after the first of what it was made of; `users` are whose judgements those are."""
    users = sorted({user for source in sources if (user := user_in(source.tags))})
    return {"prompt": prompt, **answers, "record": sources[0].record, "id": sources[0].id, "users": users}


def _answers(row: dict[str, Any]) -> tuple[str, ...]:
    return ("chosen", "rejected") if "chosen" in row else ("completion",)
