"""The facts of the pack, read from `facts/*.yaml` and checked. The only truth: documents and examples both use it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).parent.parent / "facts"
Year = Literal[2025, 2026]


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(_Fact):
    """A fault code. `symptom` is how a customer puts it; `part` the SKU of the spare part that goes with it."""

    code: str
    message: str
    severity: Literal["notice", "warning", "fault"]
    cause: str
    steps: tuple[str, str, str]
    handled_by: Literal["customer", "installer", "field service"]
    symptom: str
    part: str | None = None


class Setting(_Fact):
    """A setting of a device. `wish` is what somebody wants who does not know the key."""

    key: str
    purpose: str
    default: str
    range: str
    access: Literal["owner", "installer"]
    wish: str


class Part(_Fact):
    """A spare part. `purpose` completes "the part that ..."; prices in whole euros."""

    sku: str
    name: str
    fits: str
    purpose: str
    price: dict[Year, int]
    lead_days: int


class Asked(_Fact):
    """A property of a family that questions are about: how an answer says it, and how people ask."""

    says: str
    questions: tuple[str, ...]


class Product(_Fact):
    """A product: what it is without its name, for whom, what its data sheet says."""

    described: str
    suits: str
    about: str
    box: str
    values: dict[str, str]


class Family(_Fact):
    """Products that share a data sheet, by name."""

    sheet: str
    asked: dict[str, Asked]
    products: dict[str, Product]


class Profile(_Fact):
    """An operating profile: whom it is for, and its four values."""

    story: str
    described: str
    mode: Literal["self-use", "tariff", "backup", "export"]
    backup_reserve: str
    charge_window: str
    export_limit: str

    @property
    def values(self) -> dict[str, str]:
        """The block that is copied into Hestrel Pro."""
        return self.model_dump(include={"mode", "backup_reserve", "charge_window", "export_limit"})


class Release(_Fact):
    """A version of a firmware or of the app."""

    version: str
    date: str
    change: str
    described: str
    fix: str

    @property
    def adds(self) -> str:
        """The sentence of the release notes about what is new."""
        return f"Version {self.version} of {self.date} adds {self.change}."

    @property
    def fixes(self) -> str:
        """The sentence of the release notes about what was wrong."""
        return f"Version {self.version} fixes {self.fix}."


class Statement(_Fact):
    """A fact in one sentence. `value` is its heart, `before` the sentence of an older document."""

    says: str
    value: str
    named: str
    described: str | None = None
    before: str | None = None

    @model_validator(mode="after")
    def _holds_its_value(self) -> "Statement":
        if self.value not in self.says or (self.before and self.value in self.before):
            raise ValueError(f"'{self.value}' must stand in '{self.says}', and not in what it replaces")
        return self


class Term(_Fact):
    """A word of the glossary."""

    means: str
    described: str


class Procedure(_Fact):
    """Something that is done in four steps. The first question names it, the second tells the situation."""

    title: str
    steps: tuple[str, ...] = Field(min_length=3)
    ask: tuple[str, str]


class Pair(_Fact):
    """Two statements from two documents, and a question about both."""

    ids: tuple[str, str]
    question: str


class AbsentNames(_Fact):
    """Names that sound right and stand nowhere."""

    faults: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]
    products: tuple[tuple[str, str], ...]
    releases: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]


class Absent(_Fact):
    """What no document holds: names, and questions by their subject."""

    names: AbsentNames
    asked: dict[str, str]


class Facts(_Fact):
    """Everything that is true at Hestrel, by file and group."""

    faults: dict[str, tuple[Fault, ...]]
    settings: dict[str, tuple[Setting, ...]]
    parts: dict[str, dict[str, tuple[Part, ...]]]
    products: dict[str, Family]
    profiles: dict[str, Profile]
    releases: dict[str, tuple[Release, ...]]
    statements: dict[str, dict[str, Statement]]
    terms: dict[str, Term]
    procedures: dict[str, Procedure]
    pairs: tuple[Pair, ...]
    absent: Absent

    def statement(self, id: str) -> Statement:
        """A statement by its id, whatever its topic. Raises KeyError."""
        return dict(self.all_statements())[id]

    def all_statements(self) -> Iterator[tuple[str, Statement]]:
        """All statements with their ids."""
        for topic in self.statements.values():
            yield from topic.items()

    def all_parts(self) -> dict[str, Part]:
        """All parts by SKU."""
        return {part.sku: part for sheet in self.parts.values() for group in sheet.values() for part in group}


@cache
def load_facts() -> Facts:
    """Read and check the facts. Raises pydantic's ValidationError, which names the place."""
    read: dict[str, Any] = {
        name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) for name in Facts.model_fields
    }
    return Facts.model_validate(read)
