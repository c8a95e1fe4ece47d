"""Preferences as people leave them: one JSON object a line, in the pack (examples/preferences.jsonl) or the workspace.

    {"id": "q1", "question": "...", "format": "text", "schema": null, "chosen": "...", "rejected": "..."}
    {"id": "q2", "question": "...", "format": "text", "answer": "...", "good": false}

Answers are as in examples: a string, an object for json and yaml, null for a refusal. `passages`, where the answer was
given over some (`source`, `locator`, `text`), keeps the prompt as it was; without them the question is searched.
Knows no trainer; `finetune.preference_rows` makes training rows of them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import LeakageError, TrainError
from core.pack import DomainPack
from core.types import STRUCTURED, Evidence, Format

FILE = "preferences.jsonl"
Side = str | dict[str, Any] | None


class ShownPassage(BaseModel):
    """A passage as an answer was given over it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str
    locator: str = ""
    text: str


class Preference(BaseModel):
    """One judgement: `chosen` over `rejected`, or whether `answer` is `good`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    format: Format = "text"
    schema_name: str | None = Field(default=None, alias="schema")
    chosen: Side = None
    rejected: Side = None
    answer: Side = None
    good: bool | None = None
    evidence: tuple[Evidence, ...] = ()
    passages: tuple[ShownPassage, ...] | None = None
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_one_kind(self) -> "Preference":
        given = self.model_fields_set
        if {"chosen", "rejected"} <= given:
            if {"answer", "good"} & given:
                raise ValueError("has chosen and rejected, so answer and good do not belong here")
            if self.chosen == self.rejected:
                raise ValueError("chosen and rejected are the same")
        elif not {"answer", "good"} <= given or self.good is None or {"chosen", "rejected"} & given:
            raise ValueError("needs chosen and rejected, or answer and good")
        for side in self.sides:
            if isinstance(side, dict) and self.format not in STRUCTURED:
                raise ValueError(f"format {self.format} needs strings as answers")
        return self

    @property
    def is_pair(self) -> bool:
        """Whether two answers are compared."""
        return "chosen" in self.model_fields_set

    @property
    def sides(self) -> list[Side]:
        """Its answers, the better one first."""
        return [self.chosen, self.rejected] if self.is_pair else [self.answer]

    @property
    def record(self) -> str:
        """The record it asks about (`record:` tag), or its question: the unit of the validation split."""
        return next((t[len("record:") :] for t in self.tags if t.startswith("record:")), _folded(self.question))


def read_preferences(files: Sequence[Path], pack: DomainPack) -> list[Preference]:
    """All preferences of the files that exist. Raises TrainError naming file and line, LeakageError.

    Among those of one question, format and schema, a later file's replaces an earlier one's of the same id.
    """
    found: dict[str, Preference] = {}
    for path in files:
        if not path.exists():
            continue
        # Not splitlines: an answer may hold characters that it takes for ends of lines.
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                preference = _read(line, f"{path}:{number}", pack)
                found[preference.id] = preference
    _check_leakage(found.values(), pack)
    return list(found.values())


def _read(line: str, where: str, pack: DomainPack) -> Preference:
    try:
        preference = Preference.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise TrainError(f"{where}: {key + ': ' if key else ''}{first['msg'].removeprefix('Value error, ')}") from error
    except ValueError as error:
        raise TrainError(f"{where} is no JSON: {error}") from error
    if preference.schema_name is not None and preference.schema_name not in pack.schemas:
        raise TrainError(f"{where}: the pack has no schema '{preference.schema_name}'")
    return preference


def _check_leakage(preferences: Any, pack: DomainPack) -> None:
    tested = {example.record for example in pack.test_examples}
    questions = {_folded(example.question) for example in pack.test_examples}
    for preference in preferences:
        if preference.record in tested or _folded(preference.question) in questions:
            raise LeakageError(
                f"preference '{preference.id}' is about a test record or repeats a test question; remove it: what is "
                "tested must not be trained on"
            )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
