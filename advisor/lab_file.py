"""A lab.json as the advisor reads it: figures of arms and their differences. Knows no answer and no question."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.arms import parse_lab_arm
from core.errors import RequestError

# What it takes to run an arm and to keep it right, least first: the order in which arms have to earn their place.
EFFORT = ("base", "icl", "rag", "rag+icl", "lora", "qlora", "hybrid", "hybrid+icl", "distilled", "dora", "full")
OLDEST, NEWEST = 1, 2
RETRIEVAL_MISSES = ("not_in_corpus", "not_retrieved", "below_budget")


class Interval(BaseModel):
    """A figure of a lab: mean, 95% interval, and how many questions it rests on."""

    model_config = ConfigDict(frozen=True)

    mean: float
    low: float
    high: float
    n: int


class Lab:
    """One lab's document. Raises ValueError when it is of another kind or version."""

    def __init__(self, document: dict[str, Any]) -> None:
        version = document.get("schema_version")
        if not isinstance(version, int) or not OLDEST <= version <= NEWEST or not document.get("arms"):
            raise ValueError(f"a lab.json of version {version}; this Graft reads {OLDEST} to {NEWEST}")
        self.document = document
        self.arms: dict[str, dict[str, Any]] = document["arms"]
        self.primary = str(document["primary"])
        self.questions = int(document["questions"])

    def figure(self, arm: str | None, measure: str | None = None) -> Interval | None:
        """A figure of an arm, by default the one that arms are compared by."""
        found = self.arms.get(arm or "", {}).get(measure or self.primary)
        return _interval(found)

    def difference(self, arm: str, against: str) -> Interval | None:
        """`arm` minus `against` on the same questions, in the comparing figure."""
        for entry in self.document.get("differences", ()):
            if entry["measure"] != self.primary:
                continue
            if (entry["arm"], entry["against"]) == (arm, against):
                return _interval(entry)
            if (entry["arm"], entry["against"]) == (against, arm):
                found = _interval(entry)
                return found and Interval(mean=-found.mean, low=-found.high, high=-found.low, n=found.n)
        return None

    def best(self, wanted: Callable[[str], bool], measure: str | None = None) -> str | None:
        """The wanted arm with the highest figure; of equals the one of least effort."""
        known = {arm: figure for arm in self.arms if wanted(arm) and (figure := self.figure(arm, measure))}
        return max(known, key=lambda arm: (known[arm].mean, -effort(arm)), default=None)

    def is_trained(self, arm: str) -> bool:
        """Whether an arm uses trained weights."""
        return bool(self.arms[arm]["trained"])

    def retrieves(self, arm: str) -> bool:
        """Whether an arm has passages, by what it is: test questions without evidence give no figure about them."""
        try:
            return parse_lab_arm(arm).retrieval
        except RequestError:  # of another Graft: then the figures must tell
            return self.figure(arm, "evidence_recall") is not None

    def misses(self, arm: str) -> dict[str, float]:
        """Share of all questions of an arm, by class of miss, and `retrieval` for the three that are about finding."""
        entry = self.arms[arm]
        shares = {name: count / max(entry["n"], 1) for name, count in entry["errors"].items()}
        return {**shares, "retrieval": sum(shares.get(name, 0.0) for name in RETRIEVAL_MISSES[1:])}


def plain(arm: str) -> str:
    """The arm without decoding under a schema and without the name of an adapter."""
    return arm.removesuffix("+schema").partition("@")[0]


def effort(arm: str) -> float:
    """Place of an arm in EFFORT; decoding under a schema costs next to nothing, an arm unknown here most."""
    name = plain(arm)
    place = EFFORT.index(name) if name in EFFORT else len(EFFORT)
    return place + (0.5 if arm.endswith("+schema") else 0.0)


def _interval(entry: Any) -> Interval | None:
    if not isinstance(entry, dict) or "ci95" not in entry:
        return None
    low, high = entry["ci95"]
    return Interval(mean=entry["mean"], low=low, high=high, n=entry["n"])
