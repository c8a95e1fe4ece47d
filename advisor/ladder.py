"""Which arm a lab speaks for: arms in the order of what they take, each has to beat the one below it clearly.

An arm replaces a cheaper one only when the interval of their difference lies above 0. What is not told apart stays with
the cheaper arm: that is how the answer can be "do not fine-tune".
"""

from pydantic import BaseModel, ConfigDict

from advisor.lab_file import Interval, Lab, effort


class Rung(BaseModel):
    """One arm on the ladder. `against` is the arm that held the place before, `taken` whether this one took it."""

    model_config = ConfigDict(frozen=True)

    arm: str
    against: str | None
    difference: Interval | None
    taken: bool
    left_out: str = ""


def climb(lab: Lab, *, needs_citations: bool, may_train: bool) -> list[Rung]:
    """Every arm once, least effort first; the last one taken is the recommended one.

    Arms that cannot cite are left out where answers must be traceable, trained ones where nobody can train or keep
    them up. Empty when no arm has the comparing figure.
    """
    rungs: list[Rung] = []
    held: str | None = None
    for arm in sorted(lab.arms, key=effort):
        if lab.figure(arm) is None:
            continue
        reason = _left_out(lab, arm, needs_citations=needs_citations, may_train=may_train)
        difference = lab.difference(arm, held) if held else None
        taken = not reason and (held is None or (difference is not None and difference.low > 0))
        rungs.append(Rung(arm=arm, against=held, difference=difference, taken=taken, left_out=reason))
        held = arm if taken else held
    return rungs


def chosen(rungs: list[Rung]) -> str | None:
    """The arm that the ladder ends with."""
    return next((rung.arm for rung in reversed(rungs) if rung.taken), None)


def _left_out(lab: Lab, arm: str, *, needs_citations: bool, may_train: bool) -> str:
    if needs_citations and not lab.retrieves(arm):
        return "answers must be traceable, and it cites nothing"
    if not may_train and lab.is_trained(arm):
        return "nobody trains it or keeps it up"
    return ""
