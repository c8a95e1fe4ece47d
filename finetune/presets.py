"""Presets and methods as data: what a training run does where nobody says otherwise. Knows no trainer.

A preset suits a size of model and a machine; a method says what is trained, and how its rate differs from LoRA's.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.settings import Method, TrainPreset


class Preset(BaseModel):
    """Limits and sizes. `learning_rate` is LoRA's; `rows_per_batch` are the rows that one GPU holds at once.

    `grouped_rows_per_step` holds instead of `rows_per_step` where the fast path computes once what the rows of a group
    begin with: twice the rows cost little more then. On a CPU a step is one batch. `decision_weight`: see
    finetune.label_weights. `checkpointing` computes
    activations again instead of keeping them; None: where the machine is small.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_minutes: float
    epochs: float
    learning_rate: float
    rows_per_step: int = 4
    grouped_rows_per_step: int | None = None
    rows_per_batch: int = 8
    validation_share: float = 0.0
    decision_weight: float = 5.0
    checkpointing: bool | None = None


# The default has to fit `make run`'s 10 minutes with loading and saving. One pass hardly overfits: nothing is held out.
# Of so few steps each has to go far: at 1e-3 three minutes leave a loss on unseen records a sixth higher.
# LoRA+ (1e-3, four times that for B) leaves it lower still, but citations came out worse in the lab.
PRESETS: dict[TrainPreset, Preset] = {
    "default": Preset(max_minutes=9.0, epochs=1.0, learning_rate=2e-3, grouped_rows_per_step=8),
    "best": Preset(max_minutes=43.0, epochs=3.0, learning_rate=1.5e-3, grouped_rows_per_step=8, validation_share=0.03),
    "gpu-1b": Preset(max_minutes=120, epochs=3, learning_rate=4e-4, rows_per_step=16, validation_share=0.05),
    "gpu-3b": Preset(
        max_minutes=240, epochs=3, learning_rate=2e-4, rows_per_step=16, rows_per_batch=4, validation_share=0.05
    ),
    "gpu-8b": Preset(
        max_minutes=480,
        epochs=2,
        learning_rate=2e-4,
        rows_per_step=16,
        rows_per_batch=2,
        validation_share=0.05,
        checkpointing=True,
    ),
}


class MethodFacts(BaseModel):
    """What a method is. `result`: what is published, an adapter or a whole model. `data`: rows, or preferences.

    `rate` times the preset's learning rate is the method's; `quantised`: the base is loaded in 4 bits (NF4).
    """

    model_config = ConfigDict(frozen=True)

    result: Literal["adapter", "model"] = "adapter"
    data: Literal["rows", "pairs", "judgements"] = "rows"
    trains: Literal["adapter", "weights"] = "adapter"
    rate: float = 1.0
    quantised: bool = False

    @property
    def loraplus(self) -> bool:
        """Whether A and B may learn at different rates; dpo and kto go on from a B that is trained already."""
        return self.data == "rows" and self.trains == "adapter"


METHODS: dict[Method, MethodFacts] = {
    "lora": MethodFacts(),
    # Its scaling, alpha / sqrt(rank), is sqrt(rank) times LoRA's.
    "rslora": MethodFacts(rate=0.25),
    "qlora": MethodFacts(quantised=True),
    "dora": MethodFacts(result="model"),
    "full": MethodFacts(result="model", trains="weights", rate=0.025),
    "dpo": MethodFacts(data="pairs", rate=0.025),
    "kto": MethodFacts(data="judgements", rate=0.025),
}


def may_be_fast(method: Method, dropout: float, processes: int) -> bool:
    """Whether Graft's fast path can train this, given a CPU and a model that it understands (finetune.trainer)."""
    return method in ("lora", "rslora") and dropout == 0 and processes == 1
