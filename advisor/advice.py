"""The advice: the nine questions answered, an arm named with its gain and price, an order, and what to collect next.

Before a lab it is a guess that says so; after one the measured figures confirm or overturn it. Pure: facts in,
advice out.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from advisor.facts import Known, domain_facts, lab_facts, miss_facts, points
from advisor.lab_file import Interval, Lab, plain
from advisor.ladder import Rung, chosen, climb
from advisor.methods import measured_arm, method_of, method_table
from advisor.questions import Answered, answer_question, pulls
from advisor.rules import Rules, fill, load_rules

Status = Literal["not measured", "undecided", "confirmed", "overturned"]
OTHER_FIGURES = {"right": "the share of right answers", "prose_f1": "prose F1", "refusal_f1": "refusal F1"}
# A lab that cannot exclude a gain of more than this says neither yes nor no to fine-tuning.
OPEN_GAIN = 0.15


class Recommendation(BaseModel):
    """What to use. `gain` is in `measure` against `against`, None before a lab; `ci95` its interval.

    `fine_tune` is the short answer; `status` "undecided": the lab is too small to tell whether training pays;
    `predicted` the arm that the questions alone spoke for; `ladder` the arms in the order of what they take, with the
    difference each had to show.
    """

    arm: str
    gain: float | None
    ci95: tuple[float, float] | None
    cost: dict[str, Any]
    because: str
    fine_tune: Literal["yes", "no", "not yet"]
    status: Status
    predicted: str
    against: str | None = None
    measure: str | None = None
    ladder: list[Rung] = []
    would_change: list[str] = []
    cautions: list[str] = []
    weighed: list[Answered] = []
    methods: list[dict[str, Any]] = []
    lab: dict[str, Any] | None = None


class Advice(BaseModel):
    """The whole result; its JSON is what `graft advise --json` prints."""

    recommendation: Recommendation
    questions: list[Answered]
    order: list[dict[str, Any]]
    next_data: list[dict[str, Any]]


def advise(
    known: Known, lab: Lab | None = None, said: Mapping[str, bool] | None = None, cautions: tuple[str, ...] = ()
) -> Advice:
    """Weigh what is known, what a lab measured, and what people said (question keys to yes or no)."""
    rules, said = load_rules(), said or {}
    before = domain_facts(known)
    guess = _answers(rules, before, said)
    predicted = next(entry for entry in rules.prediction if entry.applies(before | pulls(guess)))
    facts = before | (lab_facts(lab) if lab else {})
    answers = _answers(rules, facts, said)
    facts |= pulls(answers)
    recommendation = _recommend(known, lab, facts, predicted.arm, fill(predicted.because, before | pulls(guess)))
    facts |= {"arm": recommendation.arm, "arm_plain": recommendation.arm}
    facts["recommended_trained"] = recommendation.fine_tune == "yes"
    if lab is not None and recommendation.arm in lab.arms:
        facts |= miss_facts(lab, recommendation.arm)
    recommendation.would_change = [fill(c.text, facts) for c in rules.changes if c.applies(facts)]
    recommendation.cautions = [*cautions, *_cautions(lab, recommendation)]
    nine = len(rules.questions)
    recommendation.weighed = answers[nine:]
    recommendation.methods = method_table(lab)
    return Advice(
        recommendation=recommendation,
        questions=answers[:nine],
        order=_order(rules, facts, lab),
        next_data=[
            {"what": fill(e.what, facts), "why": fill(e.why, facts), "command": fill(e.command, facts)}
            for e in rules.next_data
            if e.applies(facts)
        ],
    )


def _answers(rules: Rules, facts: Mapping[str, Any], said: Mapping[str, bool]) -> list[Answered]:
    return [answer_question(q, facts, said.get(q.key)) for q in (*rules.questions, *rules.weighed)]


def _recommend(known: Known, lab: Lab | None, facts: Mapping[str, Any], predicted: str, because: str) -> Recommendation:
    rungs = (
        climb(
            lab,
            needs_citations=facts.get("answer_transparency") == "yes",
            may_train="no" not in (facts.get("answer_resources"), facts.get("answer_upkeep")),
        )
        if lab
        else []
    )
    arm = chosen(rungs)
    if lab is None or arm is None:
        hint = "Not measured yet: a guess from the questions. "
        cost = _cost(known, None, predicted)
        return Recommendation(
            arm=predicted, gain=None, ci95=None, cost=cost, because=hint + because, fine_tune="not yet",
            status="not measured", predicted=predicted,
        )  # fmt: skip
    trained = lab.is_trained(arm)
    against = _compared_with(lab, arm)
    gain = lab.difference(arm, against) if against else None
    same = method_of(predicted) == method_of(arm)
    possible = _possible_gain(lab, arm, rungs)
    undecided = possible is not None and possible.high > OPEN_GAIN
    measured_training = any(map(lab.is_trained, lab.arms))
    return Recommendation(
        arm=arm,
        gain=gain.mean if gain else None,
        ci95=(gain.low, gain.high) if gain else None,
        cost=_cost(known, lab, arm),
        because=_because(lab, arm, against, gain, rungs, possible if undecided else None),
        fine_tune="yes" if trained else "no" if measured_training and not undecided else "not yet",
        status="undecided" if undecided else "confirmed" if same else "overturned",
        predicted=predicted,
        against=against,
        measure=lab.primary,
        ladder=rungs,
        lab=_lab(lab),
    )


def _possible_gain(lab: Lab, arm: str, rungs: list[Rung]) -> Interval | None:
    """What the best trained arm may be ahead of an arm without training; None where nobody asks for it.

    Nobody does when the arm is trained itself, none was measured, or trained arms are out of the question anyway.
    """
    strongest = lab.best(lab.is_trained)
    if lab.is_trained(arm) or strongest is None or any(r.arm == strongest and r.left_out for r in rungs):
        return None
    return lab.difference(strongest, arm)


def _compared_with(lab: Lab, arm: str) -> str | None:
    """What a gain is measured against: the best arm without training, or for such an arm the base model alone."""
    if lab.is_trained(arm):
        return lab.best(lambda other: not lab.is_trained(other))
    return "base" if "base" in lab.arms and arm != "base" else None


def _because(
    lab: Lab, arm: str, against: str | None, gain: Interval | None, rungs: list[Rung], undecided: Interval | None
) -> str:
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
        barred = next((r.left_out for r in rungs if r.arm == strongest), "")
        reason = barred or "no trained arm is clearly ahead of one without training"
        parts.append(f"Do not fine-tune: {reason}.")
    elif not trained:
        parts.append("No trained arm was measured, so whether fine-tuning would pay is open.")
    return " ".join(parts)


def _cost(known: Known, lab: Lab | None, arm: str) -> dict[str, Any]:
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


def _cautions(lab: Lab | None, recommendation: Recommendation) -> list[str]:
    """What the recommended arm's figures warn of."""
    if lab is None or recommendation.arm not in lab.arms:
        return []
    found = []
    figure = lab.figure(recommendation.arm)
    if figure is not None and figure.mean < 0.5:
        found.append(f"Even {recommendation.arm} reaches no more than {figure.mean:.0%}: look at its misses first.")
    if figure is not None and figure.n < 30:
        found.append(f"The comparison rests on {figure.n} questions: intervals this small are too narrow.")
    asked = {plain(arm) for arm in lab.arms}
    unasked = [arm for arm in ("icl", "rag", "rag+icl") if arm not in asked]
    if lab.is_trained(recommendation.arm) and unasked:
        found.append(f"Not measured, and to be beaten first: {', '.join(unasked)}.")
    refusal = lab.figure(recommendation.arm, "refusal_recall")
    if refusal is not None and refusal.mean < 0.5:
        found.append(f"It refuses only {refusal.mean:.0%} of what the documents do not answer.")
    for entry in lab.document.get("differences", ()):
        # The other figures in which an arm of less effort is clearly ahead.
        if entry["measure"] == lab.primary or recommendation.arm not in (entry["arm"], entry["against"]):
            continue
        sign = 1 if entry["arm"] == recommendation.arm else -1
        low, high = sorted(sign * bound for bound in entry["ci95"])
        other = entry["against"] if sign == 1 else entry["arm"]
        if high < 0 and entry["measure"] in OTHER_FIGURES:
            gap = f"{-100 * sign * entry['mean']:.0f} points [{-100 * high:.0f}, {-100 * low:.0f}]"
            found.append(f"In {OTHER_FIGURES[entry['measure']]} {other} is ahead of it by {gap}.")
    return found


def _order(rules: Rules, facts: Mapping[str, Any], lab: Lab | None) -> list[dict[str, Any]]:
    steps = []
    for step in rules.order:
        if not step.applies(facts):
            continue
        measured = {arm: lab.figure(arm) for arm in step.arms if arm in lab.arms} if lab else {}
        steps.append(
            {
                "step": step.step,
                "because": fill(step.because, facts),
                "command": fill(step.command, facts),
                "measured": {arm: f.model_dump() for arm, f in measured.items() if f is not None},
            }
        )
    return steps


def _lab(lab: Lab) -> dict[str, Any]:
    keys = ("created", "questions", "test_set", "adapter", "test_hash")
    return {key: lab.document.get(key) for key in keys}


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
