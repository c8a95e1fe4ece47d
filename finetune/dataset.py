"""The training data of a domain on disk: rows.jsonl and a manifest that says what it was made of.

Built again only when something it depends on has changed. Knows no trainer.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel

from core.errors import LeakageError, TrainError
from core.files import read_json, sha256_file, sha256_json, write_json, write_lines
from core.pack import DomainPack
from core.passages import CountTokens
from core.prompt import CountMessages
from finetune.rows import Progress, RowOptions, build_rows


class SearchedIndex(BaseModel):
    """Where rows get their passages from. `corpus` names what the index holds, `fingerprint` also how it is searched.

    `generation` is the one that is served.
    """

    fingerprint: str
    corpus: str | None = None
    generation: str | None = None


class RowsCard(BaseModel):
    """What every kind of training data says of itself. `data_hash` covers every row; `inputs` is what it depends on.

    `rows` and `records` are counts; `tokens`: median, 95% and most of a row; `people`: rows that came of what users of
    the page said, by the users' ids; `corpus` and `corpus_generation`: the index that the passages are of.
    """

    domain: str
    data_hash: str
    prompt_hash: str
    test_hash: str | None
    inputs: str
    rows: int
    records: int
    examples: int = 0
    test_examples: int = 0
    tokens: list[int] = []
    people: dict[str, int] = {}
    corpus: str | None = None
    corpus_generation: str | None = None


class DatasetCard(RowsCard):
    """What a built data set is made of.

    `formats` and `schemas` count rows ("any": all schemas were shown). `dropped` counts rows that lost distractors to
    the context, `left_out` says which examples have no row with passages, and why.
    """

    options: RowOptions
    kinds: dict[str, int]
    formats: dict[str, int] = {}
    schemas: dict[str, int] = {}
    dropped: int = 0
    left_out: dict[str, str] = {}


def inputs_hash(pack: DomainPack, options: RowOptions, prompt_hash: str, index_fingerprint: str) -> str:
    """Hash of everything the rows depend on: examples, persona, schemas, options, prompt rendering, index."""
    return sha256_json(
        {
            "train": sha256_file(pack.train_file) if pack.train_file.exists() else None,
            "test": sha256_file(pack.test_file) if pack.test_file.exists() else None,
            "persona": [pack.persona, pack.refusal],
            "schemas": pack.schemas,
            "options": options.model_dump(),
            "prompt": prompt_hash,
            "index": index_fingerprint,
        }
    )


def build_dataset(
    pack: DomainPack,
    retriever: BaseRetriever,
    count_tokens: CountTokens,
    folder: Path,
    *,
    options: RowOptions,
    prompt_hash: str,
    index: SearchedIndex,
    on_progress: Progress = lambda done, total: None,
    count_messages: CountMessages | None = None,
) -> DatasetCard:
    """Build or reuse the data set in `folder`. Raises TrainError without training examples, LeakageError."""
    if not pack.train_examples:
        raise TrainError(
            f"domain '{pack.name}' has no training examples: write {pack.train_file}, one JSON object per line "
            "(see docs/domain-packs.md); until then it answers as rag"
        )
    inputs = inputs_hash(pack, options, prompt_hash, index.fingerprint)
    known, rows_file = read_card(folder), folder / "rows.jsonl"
    if known is not None and (known.inputs, known.corpus) == (inputs, index.corpus) and rows_file.exists():
        return known
    left_out: dict[str, str] = {}
    rows = build_rows(
        pack,
        retriever,
        count_tokens,
        options,
        on_progress,
        count_messages=count_messages,
        on_left_out=left_out.__setitem__,
    )
    formats = {example.id: example.format for example in pack.train_examples}
    people = {example.id: example.user for example in pack.train_examples}
    card = DatasetCard(
        domain=pack.name,
        data_hash=sha256_json([row.model_dump() for row in rows]),
        prompt_hash=prompt_hash,
        test_hash=sha256_file(pack.test_file) if pack.test_file.exists() else None,
        inputs=inputs,
        options=options,
        rows=len(rows),
        kinds=Counter(row.kind for row in rows),
        records=len({row.record for row in rows}),
        examples=len(pack.train_examples),
        test_examples=len(pack.test_examples),
        formats=Counter(formats[row.example] for row in rows),
        schemas=Counter(row.schema_shown for row in rows if row.schema_shown is not None),
        tokens=spread([row.tokens for row in rows]),
        dropped=sum(bool(row.dropped) for row in rows),
        left_out=left_out,
        people=Counter(person for row in rows if (person := people[row.example])),
        corpus=index.corpus,
        corpus_generation=index.generation,
    )
    write_lines(rows_file, (row.model_dump() for row in rows))
    write_json(folder / "card.json", card.model_dump())
    return card


def read_card(folder: Path) -> DatasetCard | None:
    """The card of a built data set, or None."""
    path = folder / "card.json"
    return DatasetCard.model_validate(read_json(path, TrainError)) if path.exists() else None


def refuse_tested(path: Path, pack: DomainPack) -> None:
    """Raise LeakageError when a row of `path`, of whatever kind, is of a record that is in the test set now."""
    tested = {example.record for example in pack.test_examples}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)["record"]
            except (ValueError, KeyError, TypeError) as error:
                raise TrainError(f"{path}:{number} is damaged: train anew without --resume") from error
            if record in tested:
                raise LeakageError(
                    f"record '{record}' is in the test set now, and in the rows of this training ({path}:{number}): "
                    "train anew without --resume"
                )


def spread(sizes: Sequence[int]) -> list[int]:
    """Median, 95% quantile and maximum; empty where nothing was counted."""
    found = sorted(sizes)
    return [found[len(found) // 2], found[int(0.95 * (len(found) - 1))], found[-1]] if any(found) else []
