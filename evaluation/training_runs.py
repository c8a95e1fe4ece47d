"""What several adapters of one arm show: the spread between training runs, and the curve over shares of the data."""

from typing import Any

from evaluation.bootstrap import Bootstrap
from evaluation.measures import ratio
from evaluation.result import LabData


def across_seeds(result: LabData, measure: str, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Arms that differ in their adapter alone (`hybrid`, `hybrid@1234abcd`): how far another training run moves them.

    `mean` is that of the runs' means, on the same questions; `lowest` to `highest` is the spread over the runs, which
    the interval over questions does not cover.
    """
    families: dict[str, list[str]] = {}
    for name, run in result.runs.items():
        # Points of a learning curve, of this lab or another, saw other data: that is no spread between equal runs.
        if run.arm.adapter and result.shares.get(name, 1.0) == 1.0:
            plain = name.partition("@")[0] + ("+schema" if run.arm.constrained and "@" in name else "")
            families.setdefault(plain, []).append(name)
    found = []
    for family, names in families.items():
        models = {result.runs[name].model for name in names}
        if len(models) < 2:
            continue
        terms = [ratio(result.runs[name].scores, measure) for name in names]
        figure = bootstrap.combine(terms, lambda values: sum(values[1:], values[0]) / len(values))
        if figure is not None:
            means = [term.value or 0.0 for term in terms]
            spread = {"lowest": round(min(means), 4), "highest": round(max(means), 4)}
            found.append({"arm": family, "runs": names, "measure": measure, **figure.rounded(), **spread})
    return found


def learning_curve(result: LabData, measure: str, bootstrap: Bootstrap) -> dict[str, Any] | None:
    """The comparing figure by share of the training records; `last_doubling`: all of them minus half of them."""
    terms = {
        share: ratio(result.runs[name].scores, measure)
        for name, share in sorted(result.curve.items(), key=lambda item: item[1])
        if name in result.runs
    }
    points = [
        {"share": share, **figure.rounded()}
        for share, term in terms.items()
        if (figure := bootstrap.figure(term)) is not None
    ]
    if len(points) < 2:
        return None
    whole, half = terms.get(1.0), terms.get(0.5)
    doubling = bootstrap.difference(whole, half) if whole and half else None
    return {"measure": measure, "points": points, "last_doubling": doubling and doubling.rounded()}
