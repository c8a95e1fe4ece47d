"""The advice: the nine questions answered, an arm named with its gain and price, an order, and what to collect next.

Before a lab it is a guess that says so; after one the measured figures confirm or overturn it. Pure: facts in,
advice out.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from advisor.facts import Known, domain_facts, lab_facts, miss_facts
from advisor.lab_file import Lab, plain
from advisor.methods import method_table
from advisor.questions import Answered, answer_question, pulls
from advisor.reasons import cautions as cautions_of
from advisor.recommendation import Recommendation, recommend
from advisor.rules import Rules, fill, load_rules


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
    recommendation = recommend(known, lab, facts, predicted.arm, fill(predicted.because, before | pulls(guess)))
    facts |= {"arm": recommendation.arm, "arm_plain": plain(recommendation.arm)}
    facts["recommended_trained"] = recommendation.fine_tune == "yes"
    found: list[str] = []
    if lab is not None and recommendation.arm in lab.arms:
        facts |= miss_facts(lab, recommendation.arm)
        found = cautions_of(lab, recommendation.arm)
    recommendation.would_change = [fill(c.text, facts) for c in rules.changes if c.applies(facts)]
    recommendation.cautions = [*cautions, *found]
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
