"""From scores to the document that lab.json holds: figures with intervals, margins, breakdowns, classes of misses."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from core.types import Example
from evaluation.bootstrap import Bootstrap, Figure, Ratio
from evaluation.cost import Pricing
from evaluation.measures import MEASURES, RATES, ratio
from evaluation.misses import REMEDIES
from evaluation.result import ArmRun, LabData
from evaluation.scores import Score
from evaluation.training_runs import across_seeds, learning_curve

SCHEMA_VERSION = 2
# Breakdowns: these measures, over tag families with at most so many values.
BY_MEASURES = ("field_em", "prose_f1", "validity", "evidence_recall", "refusal_f1")
MOST_VALUES = 12
# What pairs of arms are compared in, beside the figure that arms are ranked by.
COMPARED = ("right", "field_em", "prose_f1", "refusal_f1")
_WHOLE = ("hybrid", "rag", "lora", "base")


def summarise(result: LabData) -> dict[str, Any]:
    """The whole document. Every figure is {"mean", "ci95": [low, high], "n"}, or null where it does not apply."""
    bootstrap = Bootstrap([example.record for example in result.questions], result.bootstrap, result.seed)
    primary = primary_measure(result)
    return {
        "schema_version": SCHEMA_VERSION,
        "domain": result.domain,
        "adapter": result.adapter,
        "test_hash": result.test_hash,
        "created": result.created,
        "questions": len(result.questions),
        "test_set": result.test_size,
        "limit": result.limit,
        "seed": result.seed,
        "concurrency": result.concurrency,
        "icl_examples": result.icl_examples,
        "primary": primary,
        "prices": result.prices.model_dump(),
        "style": result.style,
        "arms": {name: _arm(run, result, bootstrap) for name, run in result.runs.items()},
        "margin": _margin(result, primary, bootstrap),
        "interaction": _interaction(result, primary, bootstrap),
        "differences": [
            entry
            for measure in dict.fromkeys((primary, *COMPARED))
            for entry in _differences(result, measure, bootstrap)
        ],
        "controls": result.controls,
        "seeds": across_seeds(result, primary, bootstrap),
        "learning_curve": learning_curve(result, primary, bootstrap),
        "notes": result.notes,
    }


def primary_measure(result: LabData) -> str:
    """What arms are compared by: field exact match, or prose F1 where no question is structured."""
    return "field_em" if any(s.field_em is not None for run in result.runs.values() for s in run.scores) else "prose_f1"


def _arm(run: ArmRun, result: LabData, bootstrap: Bootstrap) -> dict[str, Any]:
    def figure(measure: str) -> dict[str, Any] | None:
        return _json(bootstrap.figure(ratio(run.scores, measure)))

    # Times of answers that had more and fewer beside them are no figure of anything.
    seconds = figure("seconds") if run.concurrency is not None else None
    if seconds is not None:
        times = [score.seconds for score in run.scores]
        seconds |= {"median": _json(bootstrap.quantile(times, 0.5)), "p95": _json(bootstrap.quantile(times, 0.95))}
        seconds |= {"first_token": figure("first_token"), "arm": run.seconds}
    missed = Counter(miss for miss in run.misses if miss is not None)
    return {
        "n": len(run.scores),
        "failed": sum(score.failed for score in run.scores),
        "from_cache": sum(outcome.cached for outcome in run.outcomes),
        "concurrency": run.concurrency,
        "model": run.model,
        "description": run.arm.description,
        "trained": run.arm.adapter,
        **{name: figure(name) for name in RATES},
        "tokens": {"prompt": figure("prompt_tokens"), "completion": figure("completion_tokens")},
        "seconds": seconds,
        "cost_per_1000": _cost(run, result, bootstrap),
        "errors": {name: missed[name] for name in REMEDIES},
        "error_shares": {name: _json(bootstrap.figure(_share_of(run, name))) for name in REMEDIES if missed[name]},
        "by": _breakdown(run.scores, result.questions, bootstrap),
    }


def _cost(run: ArmRun, result: LabData, bootstrap: Bootstrap) -> dict[str, Any] | None:
    """Price of 1,000 answers, and what it is made of."""
    trained = result.training_seconds.get(run.model or "") if run.arm.adapter else None
    parallel = None if run.concurrency is None else min(run.concurrency, len(result.questions))
    pricing = Pricing(prices=result.prices, parallel=parallel, training_seconds=trained)
    figure = bootstrap.figure(Ratio([pricing.terms(score) for score in run.scores]))
    if figure is None:
        return None
    low, high = figure.ci95
    return {
        # Prices may be tiny: digits that matter, not places.
        "mean": _digits(figure.mean),
        "ci95": [_digits(low), _digits(high)],
        "n": figure.n,
        "currency": result.prices.currency,
        "basis": pricing.basis,
        "training": _digits(pricing.training),
    }


def _share_of(run: ArmRun, name: str) -> Ratio:
    return Ratio([(float(miss == name), 1.0) for miss in run.misses])


def _breakdown(scores: list[Score], questions: list[Example], bootstrap: Bootstrap) -> dict[str, Any]:
    """Figures by format, schema and family of tags (`naming:described` is value described of family naming)."""
    found: dict[str, dict[str, Any]] = {}
    for family, values in groups(questions).items():
        found[family] = {}
        for value, members in values.items():
            within = [score if inside else None for score, inside in zip(scores, members, strict=True)]
            figures: dict[str, Any] = {"n": sum(members)}
            for name in BY_MEASURES:
                terms = MEASURES[name].terms
                figures[name] = _json(bootstrap.figure(Ratio([(0.0, 0.0) if s is None else terms(s) for s in within])))
            found[family][value] = figures
    return found


def groups(questions: Sequence[Example]) -> dict[str, dict[str, list[bool]]]:
    """Families, their values, and which questions have each; not those that divide nothing, or too finely."""
    labels: dict[str, list[set[str]]] = {}

    def add(family: str, index: int, value: str) -> None:
        labels.setdefault(family, [set() for _ in questions])[index].add(value)

    for index, example in enumerate(questions):
        add("format", index, example.format)
        if example.schema_name:
            add("schema", index, example.schema_name)
        for tag in example.tags:
            family, colon, value = tag.partition(":")
            if family != "record":
                add(family if colon else "tag", index, value if colon else tag)
    families = {}
    for family, sets in labels.items():
        values = sorted(set().union(*sets))
        if len(values) <= MOST_VALUES and (len(values) > 1 or family == "tag"):
            families[family] = {value: [value in held for held in sets] for value in values}
    return families


def best(result: LabData, measure: str, wanted: Callable[[ArmRun], bool]) -> str | None:
    """The arm with the highest `measure` among those wanted; the first named wins a tie."""
    means = {name: ratio(run.scores, measure).value for name, run in result.runs.items() if wanted(run)}
    known = {name: mean for name, mean in means.items() if mean is not None}
    return max(known, key=lambda name: known[name]) if known else None


def _margin(result: LabData, measure: str, bootstrap: Bootstrap) -> dict[str, Any] | None:
    """The hybrid (or else the best trained arm) against the best arm without training, constrained or not."""
    arm = "hybrid" if "hybrid" in result.runs else best(result, measure, lambda run: run.arm.adapter)
    against = best(result, measure, lambda run: not run.arm.adapter)
    if arm is None or against is None:
        return None
    left, right = ratio(result.runs[arm].scores, measure), ratio(result.runs[against].scores, measure)
    figure = _json(bootstrap.difference(left, right))
    if figure is None:
        return None
    detectable = bootstrap.detectable(left, right)
    return {"arm": arm, "against": against, "measure": measure, **figure, "detectable": detectable}


def _interaction(result: LabData, measure: str, bootstrap: Bootstrap) -> dict[str, Any] | None:
    """Hybrid - rag - lora + base: above 0, retrieval and training give more together than the sum of each."""
    if not all(name in result.runs for name in _WHOLE):
        return None
    terms = [ratio(result.runs[name].scores, measure) for name in _WHOLE]
    figure = _json(bootstrap.combine(terms, lambda v: v[0] - v[1] - v[2] + v[3]))
    return None if figure is None else {"measure": measure, **figure}


def _differences(result: LabData, measure: str, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Every pair of arms, the later named minus the earlier."""
    found = []
    for left, right in combinations(result.runs, 2):
        terms = ratio(result.runs[right].scores, measure), ratio(result.runs[left].scores, measure)
        figure = _json(bootstrap.difference(*terms))
        if figure is not None:
            detectable = bootstrap.detectable(*terms)
            shown = None if detectable is None else round(detectable, 4)
            found.append({"arm": right, "against": left, "measure": measure, **figure, "detectable": shown})
    return found


def _json(figure: Figure | None) -> dict[str, Any] | None:
    return None if figure is None else figure.rounded()


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
