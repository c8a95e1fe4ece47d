"""The nine questions, answered: from what was measured, from what was said, or not at all. Asks nobody."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from advisor.rules import QuestionRules, Rules, fill

Outcome = Literal["yes", "no", "unknown"]
NOT_KNOWN = "Neither measured nor answered."


class Answered(BaseModel):
    """One question with its answer. `source` says where it is from, `means` what it speaks for."""

    model_config = ConfigDict(frozen=True)

    key: str
    question: str
    answer: Outcome
    evidence: str
    source: Literal["measured", "said", "nobody"]
    pull: str
    means: str


def answer_question(rules: QuestionRules, facts: Mapping[str, Any], said: bool | None) -> Answered:
    """Answer one question. What was said goes before what is measured where it is about needs, else behind it."""
    measured = next((rule for rule in rules.rules if rule.applies(facts)), None)
    parts: list[str] = []
    answer: Outcome = "unknown"
    source: Literal["measured", "said", "nobody"] = "nobody"
    if said is not None and (measured is None or rules.kind == "need"):
        answer, source = ("yes" if said else "no"), "said"
        parts.append(f"You answered {answer}.")
        if measured is not None and measured.answer != answer:
            parts.append(f"What was found speaks for {measured.answer}: {fill(measured.evidence, facts)}")
    elif measured is not None:
        answer, source = measured.answer, "measured"
        parts.append(fill(measured.evidence, facts))
        if said is not None and ("yes" if said else "no") != answer:
            parts.append(f"You answered {'yes' if said else 'no'}; what is measured goes before it.")
    else:
        parts.append(NOT_KNOWN)
    parts += [fill(rule.evidence, facts) for rule in rules.context if rule.applies(facts)]
    means = {"yes": rules.yes, "no": rules.no, "unknown": f"If yes: {rules.yes} If no: {rules.no}"}[answer]
    return Answered(
        key=rules.key,
        question=rules.question,
        answer=answer,
        evidence=" ".join(parts),
        source=source,
        pull=rules.pull,
        means=means,
    )


def open_questions(rules: Rules, facts: Mapping[str, Any], said: Mapping[str, bool]) -> list[QuestionRules]:
    """The questions that only a person can answer: nothing measured answers them, and nobody has yet."""
    asked = [*rules.questions, *rules.weighed]
    return [
        question for question in asked if answer_question(question, facts, said.get(question.key)).answer == "unknown"
    ]


def pulls(answers: list[Answered]) -> dict[str, Any]:
    """What the answers speak for, as facts for the rules that follow."""
    by_key = {answered.key: answered.answer for answered in answers}
    tuning = [answered for answered in answers if answered.pull == "tuning" and answered.answer == "yes"]
    hindered = [key for key in ("data", "resources", "upkeep") if by_key.get(key) == "no"]
    wanted = [by_key.get("transparency"), by_key.get("changes"), by_key.get("precision")]
    if tuning and hindered:
        hindrance = f"training would be wanted, but is hindered ({', '.join(hindered)})"
    else:
        hindrance = "nothing asks for training yet" if not tuning else "training is open"
    return {
        **{f"answer_{key}": answer for key, answer in by_key.items()},
        "tuning_wanted": bool(tuning),
        "tuning_possible": not hindered,
        # A pack has documents: only two clear answers of no speak against using them.
        "retrieval_wanted": "yes" in wanted or "unknown" in wanted[:2],
        "tuning_because": _list([answered.key.replace("_", " ") for answered in tuning]),
        "tuning_hindrance": hindrance,
    }


def _list(names: list[str]) -> str:
    return ", ".join(names) if names else "nothing yet"
