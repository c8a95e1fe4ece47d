"""Answers that the pack's own rules refuse: their JSON Schema, their format, their refusal sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from core.answer_text import fold, mark_spans, read_answer, write_answer
from core.pack import DomainPack
from core.sections import missing_sections, sections_of
from core.types import STRUCTURED
from finetune.dataset_check.finding import Finding, Line


def find_bad_answers(lines: Sequence[Line], pack: DomainPack) -> Iterator[Finding]:
    """Answers that break their schema, do not survive being written and read, or carry marks of their own."""
    validators: dict[str | None, Draft202012Validator] = {
        name: Draft202012Validator(schema) for name, schema in pack.schemas.items()
    }
    validators[None] = Draft202012Validator(pack.schema_for("json", None) or {})
    for line in lines:
        example = line.example
        if example.format not in pack.formats:
            offered = ", ".join(pack.formats)
            yield line.finding(
                "warning", "format", f"format {example.format} is not offered by the pack ({offered})",
                "add it to `formats` in domain.yaml, or change the example",
            )  # fmt: skip
        if not example.answerable:
            if example.evidence:
                yield line.finding(
                    "warning", "answer", "is not answerable, yet has evidence", "drop one of the two: both cannot be"
                )
            continue
        if example.format in STRUCTURED:
            yield from _structured(line, validators[example.schema_name], pack.refusal)
        else:
            yield from _plain(line, str(example.answer), pack.refusal)
            if example.format == "markdown":
                yield from _sections(line, pack.schema_for("markdown", example.schema_name))


def _structured(line: Line, validator: Draft202012Validator, refusal: str) -> Iterator[Finding]:
    example = line.example
    broken = best_match(validator.iter_errors(example.answer))
    name = example.schema_name or "any of the pack's schemas"
    if broken is not None:
        where = broken.json_path.removeprefix("$.").replace("$", "the answer")
        yield line.finding(
            "error", "schema", f"answer breaks schema {name}: {where}: {' '.join(broken.message.split())[:200]}",
            "correct the answer or the schema",
        )  # fmt: skip
        return
    written = write_answer(example.answer, example.format, [1], refusal)
    if read_answer(written, example.format, None, refusal).answer != example.answer:
        yield line.finding(
            "error", "answer", f"answer changes when written as {example.format} and read again",
            "use strings, numbers, booleans, lists and objects only",
        )  # fmt: skip


def _plain(line: Line, answer: str, refusal: str) -> Iterator[Finding]:
    if mark_spans(answer):
        yield line.finding(
            "warning",
            "answer",
            "answer holds what reads as a citation mark",
            "leave [n] out: Graft adds the right ones",
        )
    if fold(answer).startswith(fold(refusal)):
        yield line.finding(
            "error", "answer", "answer is the refusal, but the example counts as answerable", 'set "answerable": false'
        )


def _sections(line: Line, schema: Mapping[str, Any] | None) -> Iterator[Finding]:
    missing = missing_sections(str(line.example.answer), sections_of(schema)) if schema is not None else []
    if missing:
        yield line.finding(
            "error", "schema", f"answer lacks sections of schema {line.example.schema_name}, or has them in another "
            f"order: {', '.join(missing)}", "give it these headings, or correct the schema",
        )  # fmt: skip


def count_labels(lines: Sequence[Line], schemas: Mapping[str, Any]) -> dict[tuple[str, str], dict[Any, int]]:
    """How often each value of each enumerated property occurs, by schema and property; unseen values count 0."""
    counts: dict[tuple[str, str], dict[Any, int]] = {}
    for name, schema in schemas.items():
        for key, rule in (schema.get("properties") or {}).items():
            values = rule.get("enum") if isinstance(rule, dict) else None
            if values:
                counts[name, key] = {value: 0 for value in values if isinstance(value, str | int | float | bool)}
    for line in lines:
        answer, name = line.example.answer, line.example.schema_name
        if not line.example.answerable or not isinstance(answer, dict) or name is None:
            continue
        for key, value in answer.items():
            if (name, key) in counts and isinstance(value, str | int | float | bool) and value in counts[name, key]:
                counts[name, key][value] += 1
    return counts
