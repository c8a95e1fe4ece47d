"""What answers cost: by tokens, or by the time they took on a machine; training is spread over the answers it serves.

Prices come from the settings; nothing here is a price of anybody's.
"""

from pydantic import BaseModel, ConfigDict

from core.settings import PriceSettings
from evaluation.scores import Score

PER = 1000
Term = tuple[float, float]


class Pricing(BaseModel):
    """How an arm's answers are priced. `training_seconds` of its adapter.

    `parallel` answers shared the machine; None: not known, so that time has no price.
    """

    model_config = ConfigDict(frozen=True)

    prices: PriceSettings
    parallel: int | None
    training_seconds: float | None = None

    @property
    def basis(self) -> str:
        """`tokens` or `machine time`."""
        both = self.prices.million_prompt is not None and self.prices.million_completion is not None
        return "tokens" if both else "machine time"

    @property
    def training(self) -> float:
        """What training adds to 1,000 answers; 0 without an adapter or when nobody knows how long it took."""
        hours = (self.training_seconds or 0.0) / 3600
        return PER * hours * self.prices.machine_hour / self.prices.answers_per_training

    def terms(self, score: Score) -> Term:
        """Price of 1,000 answers like this one, and 1; (0, 0) for a question that failed."""
        price = self._tokens(score) if self.basis == "tokens" else self._time(score)
        return (0.0, 0.0) if price is None else (PER * price + self.training, 1.0)

    def _tokens(self, score: Score) -> float | None:
        if score.prompt_tokens is None or score.completion_tokens is None:
            return None
        prompt, completion = self.prices.million_prompt or 0.0, self.prices.million_completion or 0.0
        return (score.prompt_tokens * prompt + score.completion_tokens * completion) / 1_000_000

    def _time(self, score: Score) -> float | None:
        """An answer had the machine for its time, shared with the answers that were written beside it."""
        if score.seconds is None or self.parallel is None:
            return None
        return score.seconds / self.parallel / 3600 * self.prices.machine_hour
