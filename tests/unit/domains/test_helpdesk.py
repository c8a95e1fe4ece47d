"""The helpdesk pack as committed: it loads, holds what it promises, and is what its generator makes of its facts."""

import calendar
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
from jsonschema import Draft202012Validator

from core.pack import DomainPack, load_pack
from core.types import STRUCTURED, Example
from domains.helpdesk.desk.blocks import Document
from domains.helpdesk.desk.examples.build import build
from domains.helpdesk.desk.facts import Statement, load_facts
from domains.helpdesk.desk.manuscripts import read_all
from domains.helpdesk.desk.quotes import lines_of, source_of, sources_of
from domains.helpdesk.desk.writers import render
from finetune.rows import check_leakage

PACKS = Path(__file__).parents[3] / "domains"
MONTHS = list(calendar.month_name)  # the first is empty
PLAIN = {".md", ".rst", ".txt", ".html", ".csv", ".tsv", ".json", ".eml", ".xml"}


@cache
def pack() -> DomainPack:
    return load_pack("helpdesk", PACKS, Path("/nonexistent"))


@cache
def documents() -> list[Document]:
    return read_all(load_facts())


@cache
def corpus_files() -> dict[str, Path]:
    root = PACKS / "helpdesk" / "corpus"
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}


def examples() -> list[Example]:
    return [*pack().train_examples, *pack().test_examples]


def words_of(text: str) -> str:
    return " ".join(text.split())


def test_the_pack_offers_every_format_and_a_schema_for_each_structured_answer() -> None:
    assert pack().formats == ("text", "markdown", "json", "yaml")
    assert set(pack().schemas) == {"ticket", "order", "setting", "profile"}
    for schema in pack().schemas.values():
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(schema["properties"])


def test_the_corpus_is_small_and_has_many_formats() -> None:
    suffixes = {PurePosixPath(path).suffix for path in corpus_files()}
    assert len(suffixes) >= 10
    assert {".pdf", ".docx", ".xlsx", ".pptx", ".html", ".md", ".csv", ".eml", ".txt", ".json"} <= suffixes
    assert 40 <= len(corpus_files()) <= 60
    assert sum(path.stat().st_size for path in corpus_files().values()) < 1_000_000


@pytest.mark.parametrize(("split", "rows", "pairs"), [("train", 240, 25), ("test", 80, 10)])
def test_both_files_hold_enough_of_every_kind(split: str, rows: int, pairs: int) -> None:
    found = pack().train_examples if split == "train" else pack().test_examples
    counts = Counter(tag for example in found for tag in example.tags)
    formats = Counter(example.format for example in found)
    unanswerable = sum(not example.answerable for example in found) / len(found)
    assert len(found) >= rows
    assert counts["multi"] >= pairs
    assert min(formats.values()) >= len(found) // 12
    assert 0.1 <= unanswerable <= 0.15
    assert counts["naming:described"] >= len(found) // 4
    assert counts["superseded"] >= 10
    assert (counts["wording:unseen"] == 0) == (split == "train")


def test_answers_match_their_schemas() -> None:
    structured = [example for example in examples() if example.format in STRUCTURED]
    assert structured
    for example in structured:
        assert example.schema_name
        if example.answerable:
            Draft202012Validator(pack().schemas[example.schema_name]).validate(example.answer)


def test_nothing_that_is_tested_is_trained_on() -> None:
    check_leakage(pack())
    records = [_records(pack().train_examples), _records(pack().test_examples)]
    assert not records[0] & records[1]


def _records(found: Sequence[Example]) -> set[str]:
    """Records that examples are about, those of second evidence included."""
    tags = (tag for example in found for tag in example.tags)
    return {tag.split(":", 1)[1] for tag in tags if tag.startswith(("record:", "also:"))}


def test_no_question_has_two_answers() -> None:
    answers: dict[tuple[str, str], str] = {}
    for example in examples():
        key = (example.question.casefold(), example.format)
        answer = json.dumps(example.answer)
        assert answers.setdefault(key, answer) == answer, example.question


def test_structured_answers_are_copied_from_their_evidence() -> None:
    for example in examples():
        if not (isinstance(example.answer, dict) and example.answerable):
            continue
        evidence = " ".join(words_of(e.quote) for e in example.evidence)
        for key, value in example.answer.items():
            # The name of the thing is in the heading above a setting or a profile, not in the quote.
            assert str(value) in evidence or key in ("setting", "profile"), (example.id, key)


def test_answers_in_prose_hold_the_heart_of_their_statement() -> None:
    statements = dict(load_facts().all_statements())
    asked = [example for example in examples() if example.record.startswith("statement:") and example.answerable]
    assert len(asked) > 100
    for example in asked:
        assert statements[example.record.removeprefix("statement:")].value in str(example.answer)


def superseded() -> list[tuple[str, Statement]]:
    return [(id, statement) for id, statement in load_facts().all_statements() if statement.before]


@pytest.mark.parametrize(("id", "statement"), superseded(), ids=[id for id, _ in superseded()])
def test_what_was_superseded_stands_in_one_older_document(id: str, statement: Statement) -> None:
    old, new = sources_of(statement.before or "", documents()), source_of(statement.says, documents())
    assert len(old) == 1
    assert _date(old[0]) < _date(new)
    quotes = [e for example in examples() if example.record == f"statement:{id}" for e in example.evidence]
    assert quotes
    assert {e.source for e in quotes if e.quote == statement.says} == {new}


def _date(path: str) -> str:
    """Year (and month) of a document, by its name or else by its imprint: "2026", "2026-03"."""
    document = next(document for document in documents() if document.path == path)
    words = f"{document.imprint} {document.title}".replace(".", "").replace(",", "").split()
    for before, word in pairwise(words):
        if before in MONTHS and word.isdigit():
            return f"{word}-{MONTHS.index(before):02}"
    return PurePosixPath(path).name[:7]


def test_what_is_called_unanswerable_stands_nowhere() -> None:
    everything = "\n".join(line for document in documents() for line in [document.title, *lines_of(document)])
    names = load_facts().absent.names
    versions = [version for _, version in names.releases]
    parts = [word for part in names.parts for word in part]
    absent = [*names.faults, *(key for _, key in names.settings), *parts, *versions]
    absent += [name for name, _ in (*names.products, *names.profiles)]
    assert len(absent) > 60
    for name in absent:
        assert name.casefold() not in everything.casefold(), name


def test_the_older_price_list_differs_from_the_newer_one() -> None:
    priced_twice = [part for part in load_facts().all_parts().values() if 2025 in part.price]
    assert len(priced_twice) >= 15
    assert all(part.price[2025] != part.price[2026] for part in priced_twice)


def test_the_committed_examples_are_what_the_generator_makes() -> None:
    made = build(load_facts(), documents())
    for rows, path in zip(made, (pack().train_file, pack().test_file), strict=True):
        committed = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert rows == committed, f"{path.name}: run python -m domains.helpdesk.generate"


def test_the_committed_text_documents_are_what_the_generator_makes() -> None:
    assert set(corpus_files()) == {document.path for document in documents()}
    compared = [document for document in documents() if PurePosixPath(document.path).suffix in PLAIN]
    assert len(compared) > 25
    for document in compared:
        assert render(document) == corpus_files()[document.path].read_bytes(), document.path
