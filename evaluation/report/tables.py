"""Tables of the report: all figures, breakdowns by format and tag, what to do about each class of miss."""

from typing import Any

from core.html import Html, el
from evaluation.measures import MEASURES, RATES
from evaluation.misses import REMEDIES
from evaluation.table import NONE, percent, price

COSTS = ("Tokens in", "Tokens out", "Seconds", "p95", "First token", "Cost of 1,000", "Failed")


def figures_table(document: dict[str, Any]) -> Html:
    """Every figure of every arm with its interval."""
    rows = [
        el("tr", el("th", name, scope="row"), [_figure(arm[measure]) for measure in RATES], _costs(arm))
        for name, arm in document["arms"].items()
    ]
    heads = [el("th", MEASURES[name].label, scope="col", title=MEASURES[name].explanation) for name in RATES]
    return _table(el("tr", _heads("Arm"), heads, _heads(*COSTS)), rows)


def breakdown_table(document: dict[str, Any], family: str) -> Html:
    """One family of tags: a row per value, a column per arm, the cell tinted by its figure."""
    arms = {name: arm["by"][family] for name, arm in document["arms"].items()}
    rows = []
    for value, group in next(iter(arms.values())).items():
        measure = next((m for m in ("field_em", "prose_f1") if any(by[value][m] for by in arms.values())), None)
        if measure is None:
            continue
        counted = next(by[value][measure]["n"] for by in arms.values() if by[value][measure])
        of = f" of {group['n']}" if counted != group["n"] else ""
        name = el("th", value, el("span", f"{MEASURES[measure].label}, n {counted}{of}", class_="sub"), scope="row")
        rows.append(el("tr", name, [_tinted(by[value][measure]) for by in arms.values()]))
    return _table(el("tr", _heads(family.capitalize(), *arms)), rows, css="tinted")


def remedies_table(document: dict[str, Any]) -> Html:
    """The classes of misses that occurred: meaning, remedy, the command to begin with, how often per arm."""
    arms = document["arms"]
    seen = [name for name in REMEDIES if any(arm["errors"].get(name) for arm in arms.values())]
    rows = [
        el(
            "tr",
            el("th", el("i", class_=f"swatch {name}"), class_label(name), scope="row"),
            el("td", REMEDIES[name].meaning),
            el("td", REMEDIES[name].remedy, " ", el("code", REMEDIES[name].command)),
        )
        for name in seen
    ]
    return _table(el("tr", _heads("Class", "What it means", "What helps, and where to begin")), rows, css="wordy")


def class_label(name: str) -> str:
    """A class of misses as words."""
    return name.replace("_", " ")


def _figure(figure: dict[str, Any] | None) -> Html:
    if figure is None:
        return el("td", NONE, class_="none")
    low, high = figure["ci95"]
    return el("td", percent(figure["mean"]), el("span", f"{percent(low)} to {percent(high)}", class_="sub"))


def _tinted(figure: dict[str, Any] | None) -> Html:
    if figure is None:
        return el("td", NONE, class_="none")
    low, high = figure["ci95"]
    title = f"95% interval {percent(low)} to {percent(high)}, n {figure['n']}"
    return el("td", percent(figure["mean"]), style=f"--share:{100 * figure['mean']:.0f}%", title=title)


def _costs(arm: dict[str, Any]) -> list[Html]:
    tokens, seconds = arm["tokens"], arm["seconds"]
    first = seconds["first_token"] if seconds else None
    cells = [
        f"{tokens['prompt']['mean']:.0f}" if tokens["prompt"] else NONE,
        f"{tokens['completion']['mean']:.0f}" if tokens["completion"] else NONE,
        f"{seconds['median']['mean']:.2f}" if seconds else NONE,
        f"{seconds['p95']['mean']:.2f}" if seconds else NONE,
        f"{first['mean']:.2f}" if first else NONE,
        price(arm["cost_per_1000"]),
        str(arm["failed"]),
    ]
    return [el("td", cell) for cell in cells]


def _heads(*texts: str) -> list[Html]:
    return [el("th", text, scope="col") for text in texts]


def _table(head: Html, rows: list[Html], css: str | None = None) -> Html:
    """A table that scrolls sideways by itself where it is wider than the page."""
    table = el("table", el("thead", head), el("tbody", rows), class_=css)
    return el("div", table, class_="scroll", tabindex="0", role="region", aria_label="Table")
