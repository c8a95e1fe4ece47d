"""Two lab runs on the same questions: which arms have become better or worse, with paired intervals. Asks nothing."""

from typing import Any

from core.errors import LabError
from evaluation.bootstrap import Bootstrap, Ratio
from evaluation.measures import MEASURES
from evaluation.runs import AnswerRow, Run
from evaluation.table import points

COMPARED = ("right", "field_em", "prose_f1", "validity", "refusal_f1", "citation_correct", "evidence_recall")


def compare_runs(before: Run, after: Run, *, tolerance: float, resamples: int, seed: int) -> dict[str, Any]:
    """Every figure of every arm that both runs have: `after` minus `before` on the questions of both.

    An arm has `regressed` in a figure when the whole interval lies below 0 and the mean drops by more than `tolerance`
    (a share, 0.01 is a point). Raises LabError when there is nothing to compare.
    """
    if before.document["domain"] != after.document["domain"]:
        raise LabError(
            f"these labs are of two domains, {before.document['domain']} and {after.document['domain']}: "
            "compare two of one"
        )
    shared = [arm for arm in before.arms if arm in after.arms]
    if not shared:
        raise LabError(f"no arm is in both labs: one asked {', '.join(before.arms)}, one {', '.join(after.arms)}")
    entries = []
    for arm in shared:
        entries += _compare_arm(arm, before, after, tolerance, resamples, seed)
    if not entries:
        raise LabError(
            "the two labs have no question in common that a figure is about: another test set, or another limit"
        )
    return {
        "before": str(before.folder),
        "after": str(after.folder),
        "domain": after.document["domain"],
        "same_test_set": before.document["test_hash"] == after.document["test_hash"],
        "tolerance": tolerance,
        "left_out": sorted(set(before.arms) ^ set(after.arms)),
        "figures": entries,
        "regressions": [f"{e['arm']}: {MEASURES[e['measure']].label}" for e in entries if e["regressed"]],
    }


def comparison_table(comparison: dict[str, Any]) -> str:
    """The comparison as text for a terminal."""
    rows = [("arm", "figure", "before", "after", "difference", "n", "")]
    for e in comparison["figures"]:
        low, high = e["ci95"]
        verdict = "worse" if e["regressed"] else "better" if low > 0 else ""
        difference = f"{points(e['mean'])} [{points(low)}, {points(high)}]"
        label = MEASURES[e["measure"]].label
        shown = f"{100 * e['before']:.1f}", f"{100 * e['after']:.1f}"
        rows.append((e["arm"], label, *shown, difference, str(e["n"]), verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if comparison["left_out"]:
        lines.append(f"in one of them only: {', '.join(comparison['left_out'])}")
    if not comparison["same_test_set"]:
        lines.append("the test sets differ: compared on the questions of both")
    return "\n".join(lines)


def _compare_arm(
    arm: str, before: Run, after: Run, tolerance: float, resamples: int, seed: int
) -> list[dict[str, Any]]:
    old, new = _by_id(before, arm), _by_id(after, arm)
    # Same id and same text: an example that was edited is another question.
    ids = [key for key, row in old.items() if key in new and new[key].example == row.example]
    bootstrap = Bootstrap([old[key].example.record for key in ids], resamples, seed)
    found = []
    for measure in COMPARED:
        terms = [Ratio([MEASURES[measure].terms(rows[key].score) for key in ids]) for rows in (old, new)] if ids else []
        if not terms or terms[0].value is None or terms[1].value is None:
            continue
        figure = bootstrap.difference(terms[1], terms[0])
        assert figure is not None
        low, high = figure.ci95
        found.append(
            {
                "arm": arm,
                "measure": measure,
                "before": round(terms[0].value, 4),
                "after": round(terms[1].value, 4),
                "mean": round(figure.mean, 4),
                "ci95": [round(low, 4), round(high, 4)],
                "n": figure.n,
                "regressed": high < 0 and figure.mean < -tolerance,
            }
        )
    return found


def _by_id(run: Run, arm: str) -> dict[str, AnswerRow]:
    return {row.example.id: row for row in run.rows if row.arm == arm}
