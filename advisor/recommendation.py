"""The recommendation: before a lab what the questions speak for, after one where the ladder of arms ends."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from advisor.facts import Known
from advisor.lab_file import Interval, Lab
from advisor.ladder import Rung, chosen, climb
from advisor.methods import method_of
from advisor.questions import Answered
from advisor.reasons import eligible_trained, none_fits, price, reasons

Status = Literal["not measured", "ineligible", "undecided", "confirmed", "overturned"]
# A lab that cannot exclude a gain of more than this says neither yes nor no to fine-tuning.
OPEN_GAIN = 0.15


class Recommendation(BaseModel):
    """What to use. `gain` is in `measure` against `against`, None before a lab; `ci95` its interval.

    `fine_tune` is the short answer; `status` "undecided": the lab is too small to tell whether training pays;
    "ineligible": every arm of the lab is left out, and `arm` is what the questions speak for, to be asked next.
    `predicted`: the arm that the questions alone spoke for; `ladder`: the arms in the order of what they take, with the
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


def recommend(known: Known, lab: Lab | None, facts: Mapping[str, Any], predicted: str, because: str) -> Recommendation:
    """Name an arm. `predicted` is what the questions speak for, `because` why."""
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
        return Recommendation(
            arm=predicted,
            gain=None,
            ci95=None,
            cost=price(known, None, predicted),
            because=none_fits(rungs, because) if rungs else hint + because,
            fine_tune="not yet",
            status="ineligible" if rungs else "not measured",
            predicted=predicted,
            measure=lab and lab.primary,
            ladder=rungs,
            lab=lab and _lab(lab),
        )
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
        cost=price(known, lab, arm),
        because=reasons(lab, arm, against, gain, rungs, possible if undecided else None),
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

    Nobody does when the arm is trained itself, or no trained arm was measured that could be used.
    """
    could = eligible_trained(lab, rungs)
    strongest = lab.best(lambda other: other in could)
    return None if lab.is_trained(arm) or strongest is None else lab.difference(strongest, arm)


def _compared_with(lab: Lab, arm: str) -> str | None:
    """What a gain is measured against: the best arm without training, or for such an arm the base model alone."""
    if lab.is_trained(arm):
        return lab.best(lambda other: not lab.is_trained(other))
    return "base" if "base" in lab.arms and arm != "base" else None


def _lab(lab: Lab) -> dict[str, Any]:
    keys = ("created", "questions", "test_set", "adapter", "test_hash")
    return {key: lab.document.get(key) for key in keys}
