"""The table of methods: general guidance from methods.yaml, and what this domain's lab measured beside it."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from advisor.lab_file import Lab


class Method(BaseModel):
    """One row of guidance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    arms: tuple[str, ...]
    cost: str
    accuracy: str
    edge_cases: str
    customisation: str
    new_tasks: str
    data: str
    update: str
    upkeep: str
    suits: str


@cache
def load_methods() -> tuple[Method, ...]:
    """The rows that ship with Graft. Raises ValidationError when the file is not valid."""
    content = yaml.safe_load(Path(__file__).with_name("methods.yaml").read_text(encoding="utf-8"))
    methods = tuple(Method.model_validate(row) for row in content["methods"])
    unknown = [column for column in content["columns"] if column not in Method.model_fields]
    if unknown:
        raise ValueError(f"methods.yaml names columns that rows do not have: {', '.join(unknown)}")
    return methods


def columns() -> tuple[str, ...]:
    """The columns of guidance, in order."""
    return tuple(name for name in Method.model_fields if name not in ("name", "arms"))


def method_of(arm: str) -> Method | None:
    """The row that an arm belongs to."""
    name = arm.partition("@")[0]
    return next((m for m in load_methods() if name in m.arms or name.removesuffix("+schema") in m.arms), None)


def method_table(lab: Lab | None) -> list[dict[str, Any]]:
    """Every method with its guidance and `measured`: the best of its arms in this lab, or None."""
    rows = []
    for method in load_methods():
        measured = None
        if lab is not None:
            best = lab.best(lambda arm, method=method: method_of(arm) == method)
            measured = None if best is None else measured_arm(lab, best)
        rows.append({**method.model_dump(exclude={"arms"}), "measured": measured})
    return rows


def measured_arm(lab: Lab, arm: str) -> dict[str, Any]:
    """What a lab measured of one arm that bears on a decision; None where it did not."""
    entry = lab.arms[arm]
    figure = lab.figure(arm)
    tokens, seconds = entry["tokens"], entry["seconds"]
    by_group = [
        (group[lab.primary]["mean"], f"{family}: {value}")
        for family, values in entry.get("by", {}).items()
        for value, group in values.items()
        if group.get(lab.primary) and group[lab.primary]["n"] >= 8
    ]
    return {
        "arm": arm,
        "measure": lab.primary,
        "mean": figure.mean if figure else None,
        "ci95": [figure.low, figure.high] if figure else None,
        "right": _mean(entry.get("right")),
        "refusal_recall": _mean(entry.get("refusal_recall")),
        "weakest": {"group": min(by_group)[1], "mean": min(by_group)[0]} if by_group else None,
        "prompt_tokens": _mean(tokens["prompt"]),
        "completion_tokens": _mean(tokens["completion"]),
        "seconds": seconds["median"]["mean"] if seconds and isinstance(seconds["median"], dict)
        else seconds["median"] if seconds else None,
        "cost_per_1000": entry.get("cost_per_1000"),
    }  # fmt: skip


def _mean(figure: dict[str, Any] | None) -> float | None:
    return figure["mean"] if figure else None
