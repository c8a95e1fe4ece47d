"""Whether an adapter answers in its server as it does in PEFT: two readings of the same answers, compared.

The same tokens go teacher-forced through both, so nothing depends on sampling. Numbers only: knows neither PEFT nor a
server (`finetune.peft_scores` and `serve.scoring` read them).
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

# Natural logarithms. A server that computes in bfloat16 is off by 0.07 per token with SmolLM2-135M against float32, on
# text that the model finds unlikely; less on answers that it was trained for.
MEAN_TOLERANCE = 0.12
TOKEN_TOLERANCE = 1.0
_WORST = 5


class Probe(BaseModel):
    """A prompt with its reference answer as token ids; the answer begins at `first`. It was made of `messages`."""

    model_config = ConfigDict(frozen=True)

    tokens: list[int]
    first: int
    messages: list[dict[str, str]] = []


class Reading(BaseModel):
    """What a model makes of a probe's answer, token by token: log-probability, likeliest token, and how clear that is.

    `margins` are the distance between the likeliest token's log-probability and the second's; empty where unknown.
    """

    model_config = ConfigDict(frozen=True)

    logprobs: list[float]
    likeliest: list[int]
    margins: list[float] = []


class Parity(BaseModel):
    """The report. Differences are absolute, in natural logarithms, per token of the reference answers.

    `effect` is how far adapter and base are apart in PEFT: what an adapter that is not in use would differ by. `noise`
    is how far PEFT and the server are apart for the base, None where the base is not served. `read_by` is what the
    server is held against: PEFT, or transformers for a whole model. Greedy tokens are compared where PEFT's margin is
    above the tolerance of a token. `worst` are the tokens that differ most. `engine` tells servers and versions apart.
    """

    adapter: str
    base: str
    served_by: str
    passed: bool
    reasons: list[str]
    probes: int
    tokens: int
    mean_difference: float
    largest_difference: float
    effect: float
    noise: float | None
    greedy_compared: int
    greedy_agreed: int
    same_tokens: bool
    mean_tolerance: float = MEAN_TOLERANCE
    token_tolerance: float = TOKEN_TOLERANCE
    worst: list[dict[str, Any]] = []
    seconds: float = 0.0
    created: str = ""
    engine: str = ""
    overridden: bool = False
    read_by: str = "PEFT"

    def lines(self) -> list[str]:
        """The report for people."""
        verdict = "passed" if self.passed else "failed, activated all the same" if self.overridden else "failed"
        mean, largest = f"{self.mean_difference:.3f}", f"{self.largest_difference:.3f}"
        kind = "adapter" if self.read_by == "PEFT" else "model"
        noise = f"base alone {self.noise:.3f} apart; " if self.noise is not None else ""
        found = [
            f"parity {verdict}: {self.adapter} in {self.read_by} and in {self.served_by}",
            f"  compared           {self.tokens} answer tokens of {self.probes} prompts",
            f"  log-probabilities  {mean} apart on average (allowed {self.mean_tolerance:g})",
            f"                     {largest} at most (allowed {self.token_tolerance:g})",
            f"  greedy tokens      {self.greedy_agreed} of {self.greedy_compared} agree where the choice is clear",
            f"  to compare with    {noise}the {kind}'s own effect is {self.effect:.3f}",
        ]
        if not self.same_tokens:
            found.append("  tokens             the server makes other tokens of the same messages")
        return [*found, *(f"  reason: {reason}" for reason in self.reasons)]


def compare(
    adapter: str,
    base: str,
    served_by: str,
    probes: Sequence[Probe],
    peft: Sequence[Reading],
    served: Sequence[Reading],
    peft_base: Sequence[Reading],
    served_base: Sequence[Reading] | None,
    *,
    same_tokens: bool,
    read_by: str = "PEFT",
) -> Parity:
    """Judge the readings of the probes, in their order: the adapter's in PEFT and served, and the base's in both."""
    differences = _differences(peft, served)
    count = max(len(differences), 1)
    mean = sum(difference for difference, _, _ in differences) / count
    largest = max((difference for difference, _, _ in differences), default=0.0)
    clear = [
        (ours, theirs)
        for one, other in zip(peft, served, strict=True)
        for ours, theirs, margin in zip(one.likeliest, other.likeliest, one.margins, strict=True)
        if margin > TOKEN_TOLERANCE
    ]
    agreed = sum(ours == theirs for ours, theirs in clear)
    effect = _mean(peft, peft_base)
    noise = None if served_base is None else _mean(peft_base, served_base)
    reasons = []
    if not differences:
        reasons.append("there was nothing to compare: no reference answer has a token")
    # Asked so that a value that is not a number fails.
    if not mean <= MEAN_TOLERANCE:
        nearer = _mean(served, peft_base)
        ignored = ": it answers as the base does, so it is not in use" if nearer < mean / 2 else ""
        reasons.append(f"log-probabilities differ by {mean:.3f} on average{ignored}")
    if not largest <= TOKEN_TOLERANCE:
        reasons.append(f"one token's log-probability differs by {largest:.3f}")
    if agreed < len(clear):
        reasons.append(f"{len(clear) - agreed} of {len(clear)} clear greedy tokens are others")
    if not same_tokens:
        reasons.append("the server's chat template makes other tokens of the same messages")
    return Parity(
        adapter=adapter,
        base=base,
        served_by=served_by,
        passed=not reasons,
        reasons=reasons,
        probes=len(probes),
        tokens=len(differences),
        mean_difference=mean,
        largest_difference=largest,
        effect=effect,
        noise=noise,
        greedy_compared=len(clear),
        greedy_agreed=agreed,
        same_tokens=same_tokens,
        read_by=read_by,
        worst=_worst(differences, probes, peft, served),
    )


def _differences(one: Sequence[Reading], other: Sequence[Reading]) -> list[tuple[float, int, int]]:
    """Absolute difference, number of the probe, place in its answer: for every token of the answers."""
    return [
        (abs(a - b), n, place)
        for n, (left, right) in enumerate(zip(one, other, strict=True))
        for place, (a, b) in enumerate(zip(left.logprobs, right.logprobs, strict=True))
    ]


def _mean(one: Sequence[Reading], other: Sequence[Reading]) -> float:
    found = _differences(one, other)
    return sum(difference for difference, _, _ in found) / max(len(found), 1)


def _worst(
    differences: Sequence[tuple[float, int, int]],
    probes: Sequence[Probe],
    peft: Sequence[Reading],
    served: Sequence[Reading],
) -> list[dict[str, Any]]:
    return [
        {
            "probe": n,
            "place": place,
            "token": probes[n].tokens[probes[n].first + place],
            "peft": round(peft[n].logprobs[place], 4),
            "served": round(served[n].logprobs[place], 4),
        }
        for _, n, place in sorted(differences, reverse=True)[:_WORST]
    ]
