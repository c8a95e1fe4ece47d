"""Rules as data: reads advisor/rules.yaml and evaluates it over facts. Knows no domain and no lab."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

Facts = Mapping[str, Any]
Said = Literal["yes", "no"]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONDITION = re.compile(r"(\w+) (==|!=|<=|>=|<|>) (\S+)")


class Condition(BaseModel):
    """`fact OPERATOR value`, such as `gain_low > 0`."""

    model_config = ConfigDict(frozen=True)

    fact: str
    operator: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read one condition. Raises ValueError when it has another form."""
        match = _CONDITION.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"'{text}' is not of the form: fact OPERATOR value")
        word = match[3]
        # yes and no are answers here, not the truth values that YAML 1.1 makes of them.
        value = word if word in ("yes", "no") else yaml.safe_load(word)
        return cls(fact=match[1], operator=match[2], value=value)

    def holds(self, facts: Facts) -> bool:
        """Whether it holds; never about a fact that is not known."""
        known = facts.get(self.fact)
        return known is not None and _OPERATORS[self.operator](known, self.value)


class _Conditional(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    conditions: tuple[Condition, ...] = Field(alias="if")

    @field_validator("conditions", mode="before")
    @classmethod
    def _parse(cls, value: Sequence[str]) -> list[Condition]:
        return [Condition.parse(text) for text in value]

    def applies(self, facts: Facts) -> bool:
        """Whether all conditions hold."""
        return all(condition.holds(facts) for condition in self.conditions)


class AnswerRule(_Conditional):
    """If the conditions hold, the question is answered so, for this reason."""

    answer: Said
    evidence: str


class ContextRule(_Conditional):
    """If the conditions hold, this is said beside the answer."""

    evidence: str


class QuestionRules(BaseModel):
    """One question: what a yes and a no mean, and the rules that answer it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    question: str
    kind: Literal["need", "state"]
    pull: Literal["tuning", "data", "retrieval", "resources"]
    yes: str
    no: str
    rules: tuple[AnswerRule, ...]
    context: tuple[ContextRule, ...]


class Prediction(_Conditional):
    """The arm that the answers speak for before a lab."""

    arm: str
    because: str


class Step(_Conditional):
    """One step of the order of trying; `arms` are those that a lab shows for it."""

    step: str
    arms: tuple[str, ...]
    because: str
    command: str


class NextData(_Conditional):
    """What to collect next."""

    what: str
    why: str
    command: str


class Change(_Conditional):
    """What would change the decision."""

    text: str


class Rules(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    questions: tuple[QuestionRules, ...]
    weighed: tuple[QuestionRules, ...]
    prediction: tuple[Prediction, ...]
    order: tuple[Step, ...]
    next_data: tuple[NextData, ...]
    changes: tuple[Change, ...]


@cache
def load_rules() -> Rules:
    """The rules that ship with Graft. Raises ValidationError when the file is not valid."""
    path = Path(__file__).with_name("rules.yaml")
    return Rules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def fill(text: str, facts: Facts) -> str:
    """Put facts into a text. A fact that is not known reads as "not known"."""
    return text.format_map(_Known(facts))


class _Unknown:
    def __format__(self, spec: str) -> str:
        return "not known"


class _Known(dict[str, Any]):
    def __init__(self, facts: Facts) -> None:
        super().__init__({key: value for key, value in facts.items() if value is not None})

    def __missing__(self, key: str) -> _Unknown:
        return _Unknown()
