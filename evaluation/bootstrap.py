"""Percentile bootstrap intervals, paired over arms: every figure sees the same resamples of the same questions.

Records, not questions, are drawn (several questions about one record are not independent). Knows no metric.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Numbers = NDArray[np.float64]
LEVEL = 0.95
# Normal quantiles for a two-sided test at 5% that finds a true difference in 80 of 100 labs.
_DETECTABLE = 1.960 + 0.842


class Figure(BaseModel):
    """A figure with its 95% interval. `n` is how many questions it rests on."""

    model_config = ConfigDict(frozen=True)

    mean: float
    ci95: tuple[float, float]
    n: int

    def rounded(self) -> dict[str, Any]:
        """As lab.json holds it: four places, {"mean", "ci95", "n"}."""
        low, high = self.ci95
        return {"mean": round(self.mean, 4), "ci95": [round(low, 4), round(high, 4)], "n": self.n}


class Ratio:
    """One figure before its interval: numerators and denominators, one each per question, shape (n,)."""

    def __init__(self, terms: Sequence[tuple[float, float]]) -> None:
        pairs = np.asarray(terms, dtype=np.float64).reshape(len(terms), 2)
        self.above, self.below = pairs[:, 0], pairs[:, 1]

    @property
    def n(self) -> int:
        """Questions that the figure rests on."""
        return int(np.count_nonzero(self.below))

    @property
    def value(self) -> float | None:
        """The figure itself; None when it applies to no question."""
        total = float(self.below.sum())
        return float(self.above.sum()) / total if total else None


class Bootstrap:
    """`count` resamples of the groups that questions belong to (`groups`, one label per question), by `seed`."""

    def __init__(self, groups: Sequence[str], count: int, seed: int) -> None:
        self._groups, self._count, self._seed = list(groups), count, seed

    @cached_property
    def _weights(self) -> Numbers:
        """How often each question is drawn in each resample, shape (count, questions)."""
        labels, index = np.unique(np.asarray(self._groups), return_inverse=True)
        chance = np.random.default_rng(self._seed)
        drawn = chance.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=self._count)
        return drawn[:, index].astype(np.float64)

    def figure(self, ratio: Ratio) -> Figure | None:
        """The figure and its interval; None when it applies to no question."""
        return self.combine([ratio], lambda values: values[0])

    def difference(self, left: Ratio, right: Ratio) -> Figure | None:
        """`left` minus `right` on the same resamples."""
        return self.combine([left, right], lambda values: values[0] - values[1])

    def combine(self, ratios: Sequence[Ratio], formula: Callable[[list[Numbers]], Numbers]) -> Figure | None:
        """Any formula over several figures of the same questions; `formula` gets arrays of equal shape."""
        plain = [ratio.value for ratio in ratios]
        if any(value is None for value in plain):
            return None
        mean = float(formula([np.asarray([value], dtype=np.float64) for value in plain])[0])
        spread = self._spread(ratios, formula)
        low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(spread) else (mean, mean)
        return Figure(mean=mean, ci95=(float(low), float(high)), n=min(ratio.n for ratio in ratios))

    def quantile(self, values: Sequence[float | None], share: float) -> Figure | None:
        """The smallest of `values` below or at which `share` of them lie, with its interval; None: does not apply."""
        known = np.asarray([0.0 if value is None else value for value in values], dtype=np.float64)
        counts = np.asarray([value is not None for value in values], dtype=np.float64)
        if not counts.any():
            return None
        order = np.argsort(known, kind="stable")
        ranked = known[order]

        def at(weights: Numbers) -> Numbers:
            reached = np.cumsum(weights[:, order], axis=1)
            wanted = share * reached[:, -1:]
            # A hair less, so that rounding does not push the rank one up.
            return ranked[np.argmax(reached >= wanted - 1e-9, axis=1)]

        drawn = self._weights * counts
        drawn = drawn[drawn.sum(axis=1) > 0]
        low, high = np.quantile(at(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        mean = float(at(counts[None, :])[0])
        return Figure(mean=mean, ci95=(float(low), float(high)), n=int(counts.sum()))

    def detectable(self, left: Ratio, right: Ratio) -> float | None:
        """The smallest true difference of the two that so many questions would show in 80 of 100 labs."""
        if left.value is None or right.value is None:
            return None
        spread = self._spread([left, right], lambda values: values[0] - values[1])
        return float(_DETECTABLE * spread.std()) if len(spread) else None

    def _spread(self, ratios: Sequence[Ratio], formula: Callable[[list[Numbers]], Numbers]) -> Numbers:
        """The formula on every resample in which all figures apply."""
        above = [self._weights @ ratio.above for ratio in ratios]
        below = [self._weights @ ratio.below for ratio in ratios]
        usable = np.all([total > 0 for total in below], axis=0)
        return formula([a[usable] / b[usable] for a, b in zip(above, below, strict=True)])
