"""What the page needs to train adapters and to choose between them. Knows no stage.

Two implementations: graft.training_desk over a served domain, and the one of the page's tests. What a training is at is
read from its files each time: it is its own process, and outlives the page.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from core.settings import Method, TrainPreset
from core.training_figures import TrainingFigures

Data = Literal["rows", "pairs", "judgements"]
RunState = Literal["none", "starting", "preparing", "training", "paused", "publishing", "done", "failed", "stopped"]
BUSY: frozenset[RunState] = frozenset({"starting", "preparing", "training", "paused", "publishing"})
Counting = Callable[[int, int], None]
"""How many are done, of how many. Called from another thread."""


class TrainingChoice(BaseModel):
    """What a person chose. None: the preset's. The same names as the flags of `graft train`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = "lora"
    preset: TrainPreset = "default"
    epochs: float | None = Field(default=None, gt=0)
    max_minutes: float | None = Field(default=None, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    rank: int | None = Field(default=None, ge=1, le=256)
    learning_rate: float | None = Field(default=None, gt=0)
    validation_share: float | None = Field(default=None, ge=0, le=0.5)
    seed: int | None = None
    activate: bool = True
    ignore_memory: bool = False


class DataOffer(BaseModel):
    """A kind of data that can be learnt from: how much of it there is, and why it cannot be used, if so."""

    data: Data
    count: int
    trouble: str = ""


class MethodOffer(BaseModel):
    """A method: the data it learns from, what it makes, and why it cannot be used now, if so."""

    method: Method
    data: Data
    result: Literal["adapter", "model"]
    trouble: str = ""


class PresetOffer(BaseModel):
    """A preset's limits."""

    preset: TrainPreset
    max_minutes: float
    epochs: float


class Point(BaseModel):
    """One line of a run's metrics."""

    step: int
    loss: float | None = None
    validation_loss: float | None = None
    tokens_per_second: float | None = None


class TrainingView(TrainingFigures):
    """What a training is at. `run` names its folder, `adapter` what it made; `plan` are lines for people.

    `resumable`: one that was stopped can go on.
    """

    state: RunState = "none"
    detail: str = ""
    run: str | None = None
    method: str = ""
    preset: str = ""
    points: list[Point] = Field(default_factory=list)
    plan: list[str] = Field(default_factory=list)
    adapter: str | None = None
    resumable: bool = False

    @property
    def busy(self) -> bool:
        """Whether it goes on."""
        return self.state in BUSY


class RunRow(BaseModel):
    """One run folder. `adapter`: what was published of it; a run that is done without one can be published."""

    run: str
    method: str
    preset: str
    started: str = ""
    done: bool = False
    step: int = 0
    steps: int = 0
    loss: float | None = None
    adapter: str | None = None


class LabFigure(BaseModel):
    """A figure of a lab run: which arm had this adapter, the mean, its 95% interval, and how many questions."""

    lab: str
    arm: str
    measure: str
    mean: float
    low: float
    high: float
    n: int


class PublishedAdapter(BaseModel):
    """An adapter with its manifest, as the file holds it, and what labs measured of it, newest first.

    `whole`: not an adapter but a model of its own. `checked`: what the parity gate found; None: not compared yet.
    """

    name: str
    active: bool = False
    whole: bool = False
    checked: bool | None = None
    manifest: dict[str, Any] = {}
    figures: list[LabFigure] = []


class PlanFacts(Protocol):
    """The plan of `graft train --plan`. Memory in GiB, by what it is for."""

    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def held_out(self) -> int: ...  # noqa: D102
    @property
    def tokens(self) -> int: ...  # noqa: D102
    @property
    def parameters(self) -> int: ...  # noqa: D102
    @property
    def trainable(self) -> int: ...  # noqa: D102
    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def likely_steps(self) -> int: ...  # noqa: D102
    @property
    def few_steps(self) -> bool: ...  # noqa: D102
    @property
    def epochs(self) -> float: ...  # noqa: D102
    @property
    def memory(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def needs(self) -> float: ...  # noqa: D102
    @property
    def available(self) -> float: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def speed(self) -> float: ...  # noqa: D102
    @property
    def speed_from(self) -> str: ...  # noqa: D102
    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def ends_early(self) -> bool: ...  # noqa: D102
    @property
    def max_minutes(self) -> float: ...  # noqa: D102

    def check(self) -> None:
        """Raise TrainError where memory will not do."""
        ...


class ParityFacts(Protocol):
    """The report of the parity gate. Differences in natural logarithms, per token."""

    @property
    def passed(self) -> bool: ...  # noqa: D102
    @property
    def overridden(self) -> bool: ...  # noqa: D102
    @property
    def served_by(self) -> str: ...  # noqa: D102
    @property
    def reasons(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def probes(self) -> int: ...  # noqa: D102
    @property
    def tokens(self) -> int: ...  # noqa: D102
    @property
    def mean_difference(self) -> float: ...  # noqa: D102
    @property
    def mean_tolerance(self) -> float: ...  # noqa: D102
    @property
    def largest_difference(self) -> float: ...  # noqa: D102
    @property
    def token_tolerance(self) -> float: ...  # noqa: D102
    @property
    def greedy_agreed(self) -> int: ...  # noqa: D102
    @property
    def greedy_compared(self) -> int: ...  # noqa: D102
    @property
    def effect(self) -> float: ...  # noqa: D102
    @property
    def noise(self) -> float | None: ...  # noqa: D102
    @property
    def created(self) -> str: ...  # noqa: D102


class TrainingDesk(Protocol):
    """Training in one domain. Every method raises GraftError subclasses whose message says what to do."""

    def data(self) -> list[DataOffer]:
        """What there is to learn from."""
        ...

    def methods(self) -> list[MethodOffer]:
        """The methods, and which of them can be used now."""
        ...

    def presets(self) -> list[PresetOffer]:
        """The presets."""
        ...

    async def plan(self, choice: TrainingChoice, on_progress: Counting) -> PlanFacts:
        """What a training would take; builds its data if need be."""
        ...

    def start(self, choice: TrainingChoice) -> None:
        """Start it, in a process of its own. Raises TrainError while another one goes on, be it of another domain."""
        ...

    def resume(self) -> None:
        """Go on with the one that was stopped last, as it was started."""
        ...

    def cancel(self) -> None:
        """Stop the one that goes on; it can be resumed."""
        ...

    def view(self) -> TrainingView:
        """What the training that was started last is at."""
        ...

    def runs(self) -> list[RunRow]:
        """All runs that there are folders of, newest first."""
        ...

    def publish(self, run: str) -> str:
        """Publish what a finished run made; returns the adapter's name."""
        ...

    def adapters(self) -> list[PublishedAdapter]:
        """What is published, newest first."""
        ...

    def parity(self, name: str) -> ParityFacts | None:
        """What the parity gate found about an adapter last; None: it was never compared."""
        ...

    async def activate(self, name: str, *, unchecked: bool = False) -> None:
        """Let an adapter answer, if it answers in vLLM as it does in PEFT, or else `unchecked`."""
        ...

    async def roll_back(self) -> str:
        """Let the adapter answer that did so before; returns its name."""
        ...
