"""From scores to the document that lab.json holds: figures with intervals, margins, breakdowns, classes of misses."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import median, quantiles
from typing import Any

from core.types import Example
from evaluation.bootstrap import Bootstrap, Figure, Ratio
from evaluation.measures import MEASURES, RATES
from evaluation.result import ArmRun, LabResult
from evaluation.scores import Score

SCHEMA_VERSION = 1
# Breakdowns: these measures, over tag families with at most so many values.
BY_MEASURES = ("field_em", "prose_f1", "validity", "evidence_recall", "refusal_f1")
MOST_VALUES = 12
_WHOLE = ("hybrid", "rag", "lora", "base")


def summarise(result: LabResult) -> dict[str, Any]:
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
        "arms": {name: _arm(run, result.questions, bootstrap) for name, run in result.runs.items()},
        "margin": _margin(result, primary, bootstrap),
        "interaction": _interaction(result, primary, bootstrap),
        "differences": _differences(result, primary, bootstrap),
        "notes": result.notes,
    }


def primary_measure(result: LabResult) -> str:
    """What arms are compared by: field exact match, or prose F1 where no question is structured."""
    return "field_em" if any(s.field_em is not None for run in result.runs.values() for s in run.scores) else "prose_f1"


def ratio(scores: Sequence[Score], measure: str) -> Ratio:
    """A measure over the scores of one arm."""
    return Ratio([MEASURES[measure].terms(score) for score in scores])


def _arm(run: ArmRun, questions: list[Example], bootstrap: Bootstrap) -> dict[str, Any]:
    def figure(measure: str) -> dict[str, Any] | None:
        return _json(bootstrap.figure(ratio(run.scores, measure)))

    seconds = figure("seconds")
    if seconds is not None:
        times = [score.seconds for score in run.scores if score.seconds is not None]
        seconds |= {"median": median(times), "p95": _p95(times), "first_token": figure("first_token")}
        seconds["arm"] = run.seconds
    return {
        "n": len(run.scores),
        "failed": sum(score.failed for score in run.scores),
        "from_cache": sum(outcome.cached for outcome in run.outcomes),
        "model": run.model,
        "description": run.arm.description,
        "trained": run.arm.adapter,
        **{name: figure(name) for name in RATES},
        "tokens": {"prompt": figure("prompt_tokens"), "completion": figure("completion_tokens")},
        "seconds": seconds,
        "errors": dict(Counter(miss for miss in run.misses if miss is not None).most_common()),
        "by": _breakdown(run.scores, questions, bootstrap),
    }


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


def best(result: LabResult, measure: str, wanted: Callable[[ArmRun], bool]) -> str | None:
    """The arm with the highest `measure` among those wanted; the first named wins a tie."""
    means = {name: ratio(run.scores, measure).value for name, run in result.runs.items() if wanted(run)}
    known = {name: mean for name, mean in means.items() if mean is not None}
    return max(known, key=lambda name: known[name]) if known else None


def _margin(result: LabResult, measure: str, bootstrap: Bootstrap) -> dict[str, Any] | None:
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


def _interaction(result: LabResult, measure: str, bootstrap: Bootstrap) -> dict[str, Any] | None:
    """Hybrid - rag - lora + base: above 0, retrieval and training give more together than the sum of each."""
    if not all(name in result.runs for name in _WHOLE):
        return None
    terms = [ratio(result.runs[name].scores, measure) for name in _WHOLE]
    figure = _json(bootstrap.combine(terms, lambda v: v[0] - v[1] - v[2] + v[3]))
    return None if figure is None else {"measure": measure, **figure}


def _differences(result: LabResult, measure: str, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Every pair of arms, the later named minus the earlier."""
    found = []
    for left, right in combinations(result.runs, 2):
        terms = ratio(result.runs[right].scores, measure), ratio(result.runs[left].scores, measure)
        figure = _json(bootstrap.difference(*terms))
        if figure is not None:
            found.append({"arm": right, "against": left, "measure": measure, **figure})
    return found


def _json(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    low, high = figure.ci95
    return {"mean": round(figure.mean, 4), "ci95": [round(low, 4), round(high, 4)], "n": figure.n}


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
