"""Lab runs as the page shows them: rows, comparisons and misses of what `evaluation` reads. Keeps nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.lab_desk import (
    ComparedFigure,
    LabComparison,
    LabErrors,
    LabFigure,
    LabRunRow,
    MissClassRow,
    MissRow,
)

if TYPE_CHECKING:
    from evaluation.runs import Run

TOLERANCE = 0.01


def finished_row(name: str, document: dict[str, Any], *, report: bool) -> LabRunRow:
    """A lab.json as a row."""
    primary = str(document.get("primary", ""))
    arms: dict[str, dict[str, Any]] = document["arms"]
    return LabRunRow(
        name=name,
        created=str(document.get("created", "")),
        state="done",
        arms=list(arms),
        questions=document.get("questions"),
        adapter=str(document.get("adapter") or ""),
        share=1.0,
        measure=primary,
        figures=[_figure(arm, entry, primary) for arm, entry in arms.items()],
        report=report,
    )


def comparison_of(before: "Run", after: "Run", *, resamples: int, seed: int) -> LabComparison:
    """What `graft lab compare` says. Raises LabError."""
    from evaluation.compare import compare_runs

    found = compare_runs(before, after, tolerance=TOLERANCE, resamples=resamples, seed=seed)
    figures = [
        ComparedFigure(
            arm=entry["arm"],
            measure=entry["measure"],
            before=entry["before"],
            after=entry["after"],
            mean=entry["mean"],
            low=entry["ci95"][0],
            high=entry["ci95"][1],
            n=entry["n"],
            regressed=entry["regressed"],
        )
        for entry in found["figures"]
    ]
    return LabComparison(
        figures=figures, left_out=found["left_out"], same_test_set=found["same_test_set"], tolerance=TOLERANCE
    )


def errors_of(name: str, run: "Run", arm: str | None, kind: str | None, limit: int, reference: str) -> LabErrors:
    """What `graft lab errors` says. Raises RequestError."""
    from evaluation.misses import REMEDIES, TRAINABLE
    from evaluation.runs import count_misses, misses

    arm = arm if arm in run.arms else run.focus
    counts = count_misses(run, arm)
    listed = misses(run, arm, [kind] if kind else (), reference)
    classes = [
        MissClassRow(
            kind=key,
            count=count,
            meaning=REMEDIES[key].meaning,
            remedy=REMEDIES[key].remedy,
            command=f"{REMEDIES[key].command} --domain {reference}",
            trainable=key in TRAINABLE,
        )
        for key, count in counts.most_common()
    ]
    shown: Sequence[MissRow] = [
        MissRow(
            kind=miss.kind,
            question=miss.question,
            format=miss.format,
            expected=miss.expected,
            said=miss.said,
            evidence=miss.evidence,
        )
        for miss in listed[:limit]
    ]
    return LabErrors(
        run=name,
        arm=arm,
        arms=run.arms,
        questions=sum(row.arm == arm for row in run.rows),
        classes=classes,
        misses=list(shown),
        found=len(listed),
    )


def _figure(arm: str, entry: dict[str, Any], primary: str) -> LabFigure:
    figure = entry.get(primary) or {}
    low, high = figure.get("ci95") or (None, None)
    missed = sum((entry.get("errors") or {}).values())
    return LabFigure(arm=arm, mean=figure.get("mean"), low=low, high=high, misses=missed)
