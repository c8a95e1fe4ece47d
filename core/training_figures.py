"""The figures of a training, as its process writes them and as a page shows them."""

from pydantic import BaseModel


class TrainingFigures(BaseModel):
    """`progress` 0 to 1, `loss` smoothed, `tokens_per_second` without padding; None: not known yet."""

    progress: float = 0.0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
