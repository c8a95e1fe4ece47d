"""Why an arm is recommended, what it costs, and what its figures warn of: sentences from a lab. Decides nothing."""

from typing import Any

from advisor.facts import Known, points
from advisor.lab_file import Interval, Lab, plain
from advisor.ladder import Rung
from advisor.methods import measured_arm, method_of

OTHER_FIGURES = {"right": "the share of right answers", "prose_f1": "prose F1", "refusal_f1": "refusal F1"}


def reasons(
    lab: Lab, arm: str, against: str | None, gain: Interval | None, rungs: list[Rung], undecided: Interval | None
) -> str:
    """What speaks for `arm`. `undecided` is the gain of training that the lab leaves open, None where it is settled."""
    figure = lab.figure(arm)
    assert figure is not None
    parts = [f"{arm} reaches {figure.mean:.0%} [{figure.low:.0%}, {figure.high:.0%}] on {lab.questions} questions."]
    if gain is not None:
        whose = ", the best arm without training" if lab.is_trained(arm) else ""
        parts.append(f"That is {_interval_words(gain)} against {against}{whose}.")
    best = lab.best(lambda other: True)
    if best not in (None, arm):
        rung = next(r for r in rungs if r.arm == best)
        gap = _interval_words(rung.difference) if rung.difference else "no difference known"
        parts.append(
            f"{best} has the highest figure, but {rung.left_out}."
            if rung.left_out
            else f"{best} has the highest figure, but is not told apart from what takes less ({gap})."
        )
    together = _interaction(lab) if plain(arm) == "hybrid" else ""
    parts += [together] if together else []
    trained = [name for name in lab.arms if lab.is_trained(name)]
    if undecided is not None:
        parts.append(
            f"Whether training pays is open: this lab does not exclude a gain of {points(undecided.high)} points. "
            "Ask more questions."
        )
    elif trained and not lab.is_trained(arm):
        strongest = lab.best(lab.is_trained)
        barred = "" if eligible_trained(lab, rungs) else next((r.left_out for r in rungs if r.arm == strongest), "")
        reason = barred or "no trained arm is clearly ahead of one without training"
        parts.append(f"Do not fine-tune: {reason}.")
    elif not trained:
        parts.append("No trained arm was measured, so whether fine-tuning would pay is open.")
    return " ".join(parts)


def none_fits(rungs: list[Rung], because: str) -> str:
    """Why a lab recommends nothing: each arm with what leaves it out, and then what the questions speak for."""
    left_out = [f"{rung.arm} is left out: {rung.left_out}." for rung in rungs]
    return " ".join(["Every arm of the lab is left out, so this is a guess from the questions.", *left_out, because])


def eligible_trained(lab: Lab, rungs: list[Rung]) -> set[str]:
    """The trained arms that could be used: one that is left out says nothing about whether training pays."""
    return {rung.arm for rung in rungs if not rung.left_out and lab.is_trained(rung.arm)}


def price(known: Known, lab: Lab | None, arm: str) -> dict[str, Any]:
    """The price of an arm: money and time where they were measured, and what its upkeep takes."""
    method = method_of(arm)
    measured = measured_arm(lab, arm) if lab else {}
    trains = method is not None and not {"rag", "icl", "rag+icl", "base"} & set(method.arms)
    return {
        "money": measured.get("cost_per_1000"),
        "seconds_per_answer": measured.get("seconds"),
        "prompt_tokens": measured.get("prompt_tokens"),
        "training_minutes": known.training_minutes if trains else None,
        "update": method.update if method else "None.",
        "upkeep": method.upkeep if method else "None.",
    }


def cautions(lab: Lab, recommended: str) -> list[str]:
    """What the recommended arm's figures warn of."""
    found = []
    figure = lab.figure(recommended)
    if figure is not None and figure.mean < 0.5:
        found.append(f"Even {recommended} reaches no more than {figure.mean:.0%}: look at its misses first.")
    if figure is not None and figure.n < 30:
        found.append(f"The comparison rests on {figure.n} questions: intervals this small are too narrow.")
    asked = {plain(arm) for arm in lab.arms}
    unasked = [arm for arm in ("icl", "rag", "rag+icl") if arm not in asked]
    if lab.is_trained(recommended) and unasked:
        found.append(f"Not measured, and to be beaten first: {', '.join(unasked)}.")
    refusal = lab.figure(recommended, "refusal_recall")
    if refusal is not None and refusal.mean < 0.5:
        found.append(f"It refuses only {refusal.mean:.0%} of what the documents do not answer.")
    for entry in lab.document.get("differences", ()):
        # The other figures in which an arm of less effort is clearly ahead.
        if entry["measure"] == lab.primary or recommended not in (entry["arm"], entry["against"]):
            continue
        sign = 1 if entry["arm"] == recommended else -1
        low, high = sorted(sign * bound for bound in entry["ci95"])
        other = entry["against"] if sign == 1 else entry["arm"]
        if high < 0 and entry["measure"] in OTHER_FIGURES:
            gap = f"{-100 * sign * entry['mean']:.0f} points [{-100 * high:.0f}, {-100 * low:.0f}]"
            found.append(f"In {OTHER_FIGURES[entry['measure']]} {other} is ahead of it by {gap}.")
    return found


def _interaction(lab: Lab) -> str:
    """Whether retrieval and training add up; empty when the lab lacks an arm for it."""
    found = lab.document.get("interaction")
    if not found:
        return ""
    low, high = found["ci95"]
    verdict = "more than" if low > 0 else "less than" if high < 0 else "about"
    return (
        f"Retrieval and training together give {verdict} the sum of what each gives alone "
        f"({points(found['mean'])} points [{points(low)}, {points(high)}])."
    )


def _interval_words(found: Interval) -> str:
    return f"{points(found.mean)} points [{points(found.low)}, {points(found.high)}]"
