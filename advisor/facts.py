"""What is known about a domain as flat facts that rules are written over: counts, shares, and figures of a lab.

A fact that is not known is None, and no rule about it applies. Figures come as NAME_mean, NAME_low and NAME_high (95%
interval), shares from 0 to 1. Reads no file.
"""

import shlex
from typing import Any

from pydantic import BaseModel, ConfigDict

from advisor.lab_file import RETRIEVAL_MISSES, Interval, Lab, plain

MEASURES = {"field_em": "field exact match", "prose_f1": "prose F1"}
_SHOWN_DIFFERENCE = 0.05
_FEW_RECORDS = 200


class Known(BaseModel):
    """What Graft found out about a domain without asking anybody. None: not known.

    `reference` is how commands name the domain (its name, or a path); `check_errors`: errors in the examples; `churn`:
    chunks added and removed since the index was last built from nothing; `training_minutes` of the active adapter;
    `memory_gib` free now; `test_file` for people.
    """

    model_config = ConfigDict(frozen=True)

    domain: str
    reference: str = ""
    title: str = ""
    formats: int = 0
    schemas: int = 0
    train_examples: int = 0
    train_records: int = 0
    test_examples: int = 0
    test_structured: int = 0
    test_answerable: int = 0
    test_with_evidence: int = 0
    test_file: str = ""
    check_errors: int | None = None
    documents: int | None = None
    chunks: int | None = None
    churn: int | None = None
    adapters: int = 0
    training_minutes: float | None = None
    gpus: int | None = None
    memory_gib: float | None = None


def domain_facts(known: Known) -> dict[str, Any]:
    """Facts that need no lab."""
    facts = known.model_dump()
    facts["reference"] = shlex.quote(known.reference or known.domain)
    facts["exact_share"] = _share(known.test_structured, known.test_examples)
    facts["evidence_share"] = _share(known.test_with_evidence, known.test_answerable)
    facts["churn_share"] = None if not known.chunks or known.churn is None else known.churn / known.chunks
    facts["train_wanted"] = max(50, _FEW_RECORDS - known.train_records)
    facts |= {"lab_missing": True, "best_trained": None, "best_untrained": None}
    return facts


def lab_facts(lab: Lab) -> dict[str, Any]:
    """Facts that a lab measured."""
    document = lab.document
    untrained = lab.best(lambda arm: not lab.is_trained(arm))
    trained = lab.best(lab.is_trained)
    facts: dict[str, Any] = {
        "lab_missing": False,
        "lab_questions": lab.questions,
        "measure_label": MEASURES.get(lab.primary, lab.primary),
        "best_untrained": untrained or "none",
        "best_trained": trained or "none",
        "curve_points": len((document.get("learning_curve") or {}).get("points", ())),
    }
    facts |= _figure("base", lab.figure("base"))
    facts |= _figure("untrained", lab.figure(untrained)) | _figure("trained", lab.figure(trained))
    if trained and untrained:
        facts |= _gain(lab.difference(trained, untrained))
    facts |= _by_measure(lab, "free_validity", "validity", lambda arm: not arm.endswith("+schema"))
    if any(arm.endswith("+schema") and not lab.is_trained(arm) for arm in lab.arms):
        facts |= _by_measure(lab, "any_validity", "validity", lambda arm: True)
    facts |= _by_measure(lab, "style", "style", lambda arm: True)
    facts |= _by_measure(lab, "untrained_refusal", "refusal_recall", lambda arm: True)
    facts |= _figure("trained_validity", lab.figure(trained, "validity"))
    cited = lab.best(lambda arm: True, "citation_correct")
    facts |= {"cited_arm": cited} | _figure("cited", lab.figure(cited, "citation_correct"))
    facts |= _prompts(lab, untrained, trained) | _weakest_group(lab, untrained) | _detectable(lab, untrained, trained)
    facts |= _last_doubling(document) | _drill(document)
    return facts


def miss_facts(lab: Lab, arm: str) -> dict[str, Any]:
    """Shares of the classes of misses of one arm, each 0 where it did not occur."""
    names = (*RETRIEVAL_MISSES, "ignored", "wrong_field", "unsupported", "wrong_format", "wrong_style", "wrong_refusal")
    shares = lab.misses(arm)
    return {f"miss_{name}": shares.get(name, 0.0) for name in (*names, "retrieval")} | {"arm_plain": plain(arm)}


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * value:+.0f}".replace("-", "−")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _figure(name: str, found: Interval | None) -> dict[str, float]:
    return {} if found is None else {f"{name}_mean": found.mean, f"{name}_low": found.low, f"{name}_high": found.high}


def _gain(found: Interval | None) -> dict[str, Any]:
    if found is None:
        return {}
    shown = {"gain_points": found.mean, "gain_low_points": found.low, "gain_high_points": found.high}
    return _figure("gain", found) | {name: points(value) for name, value in shown.items()}


def _by_measure(lab: Lab, name: str, measure: str, wanted: Any) -> dict[str, Any]:
    """The highest figure in `measure` among the wanted arms without training."""
    best = lab.best(lambda arm: not lab.is_trained(arm) and wanted(arm), measure)
    return _figure(name, lab.figure(best, measure))


def _prompts(lab: Lab, untrained: str | None, trained: str | None) -> dict[str, Any]:
    def tokens(arm: str | None) -> float | None:
        prompt = lab.arms[arm]["tokens"]["prompt"] if arm else None
        return prompt["mean"] if prompt else None

    left, right = tokens(untrained), tokens(trained)
    found = {"untrained_prompt": left, "trained_prompt": right}
    return found | ({"prompt_ratio": left / right} if left and right else {})


def _weakest_group(lab: Lab, arm: str | None) -> dict[str, Any]:
    """The group of questions in which an arm is furthest below its own mean, among those with enough questions."""
    whole = lab.figure(arm)
    if arm is None or whole is None:
        return {}
    found = [
        (whole.mean - figure["mean"], f"{family}: {value}", figure)
        for family, values in lab.arms[arm].get("by", {}).items()
        for value, group in values.items()
        if (figure := group.get(lab.primary)) and figure["n"] >= 8
    ]
    if not found:
        return {}
    gap, name, figure = max(found, key=lambda entry: entry[0])
    return {"weak_group": name, "weak_gap": gap, "weak_mean": figure["mean"], "weak_n": figure["n"]}


def _detectable(lab: Lab, untrained: str | None, trained: str | None) -> dict[str, Any]:
    """The smallest difference that shows, and how many questions would show one of 5 points (errors go by 1/root n)."""
    margin = lab.document.get("margin") or {}
    value = margin.get("detectable")
    if isinstance(value, dict):
        value = value.get("value")
    if not value or untrained is None or trained is None:
        return {}
    wanted = int(round(lab.questions * (value / _SHOWN_DIFFERENCE) ** 2, -1))
    return {
        "detectable": value,
        "detectable_points": f"{100 * value:.0f}",
        "questions_wanted": wanted if value > 2 * _SHOWN_DIFFERENCE else None,
    }


def _last_doubling(document: dict[str, Any]) -> dict[str, Any]:
    gain = (document.get("learning_curve") or {}).get("last_doubling")
    return {} if not gain else {"curve_gain_mean": gain["mean"], "curve_gain_low": gain["ci95"][0]}


def _drill(document: dict[str, Any]) -> dict[str, Any]:
    drill = document.get("drill") or {}
    if not drill:
        return {}
    followed = ", ".join(drill["followed"]) or "none"
    return {"drill_facts": drill["facts"], "drill_seconds": drill["seconds"], "drill_followed": followed}
