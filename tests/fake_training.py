"""TrainingDesk in memory, for the tests of the page: nothing is trained; its state is public, for tests to change."""

from collections.abc import Sequence

from pydantic import BaseModel

from core.errors import AdapterError, GraftError, TrainError
from core.training_desk import (
    Counting,
    DataOffer,
    LabFigure,
    MethodOffer,
    Point,
    PresetOffer,
    PublishedAdapter,
    RunRow,
    TrainingChoice,
    TrainingView,
)

MEMORY = {"weights": 0.5, "gradients and optimiser": 0.2, "activations": 0.9, "process": 1.1}


class FakePlan(BaseModel):
    """A plan that fits as long as it needs no more than is free."""

    rows: int = 443
    held_out: int = 12
    tokens: int = 321_000
    parameters: int = 134_515_008
    trainable: int = 4_884_480
    steps: int = 111
    likely_steps: int = 111
    few_steps: bool = False
    epochs: float = 1.0
    memory: dict[str, float] = MEMORY
    available: float = 12.0
    seconds: float = 420.0
    speed: float = 760.0
    speed_from: str = "as an earlier run here"
    device: str = "cpu"
    ends_early: bool = False
    max_minutes: float = 9.0

    @property
    def needs(self) -> float:
        return sum(self.memory.values())

    def check(self) -> None:
        if self.needs > self.available:
            raise TrainError(f"lora needs about {self.needs:.1f} GiB, and {self.available:.1f} GiB are free")


class FakeParity(BaseModel):
    """A report of the gate."""

    passed: bool = True
    overridden: bool = False
    served_by: str = "vllm 0.32"
    reasons: Sequence[str] = ()
    probes: int = 6
    tokens: int = 210
    mean_difference: float = 0.031
    mean_tolerance: float = 0.12
    largest_difference: float = 0.4
    token_tolerance: float = 1.0
    greedy_agreed: int = 187
    greedy_compared: int = 187
    effect: float = 1.9
    noise: float | None = 0.028
    created: str = "2026-11-28T12:00:00Z"


def adapter(name: str, *, active: bool = False, whole: bool = False, **manifest) -> PublishedAdapter:
    fields = {"name": name, "method": "lora", "created": "2026-11-27T09:30:00Z", "examples": 443, "rank": 16}
    return PublishedAdapter(name=name, active=active, whole=whole, manifest=fields | manifest)


class FakeTrainingDesk:
    """Trainings that go on for as long as a test wants."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Be as new: two adapters, nothing trained now, five pairs to learn from."""
        self.state = TrainingView()
        self.planned = FakePlan()
        self.started: list[TrainingChoice] = []
        self.resumed = 0
        self.reports = {"garden@3f9c2a1b": FakeParity()}
        figure = LabFigure(
            lab="2026-11-27T10:00:00Z", arm="hybrid", measure="field_em", mean=0.62, low=0.55, high=0.69, n=230
        )
        new = adapter("garden@3f9c2a1b", active=True).model_copy(update={"checked": True, "figures": [figure]})
        self.published = [new, adapter("garden@00c0ffee", method="rslora")]
        self.finished = [
            RunRow(run="aaa", method="lora", preset="default", started="2026-11-27 09:20", done=True, step=111,
                   steps=111, loss=0.412, adapter="garden@3f9c2a1b"),
            RunRow(run="bbb", method="qlora", preset="best", started="2026-11-26 18:02", done=True, step=90, steps=90),
            RunRow(run="ccc", method="dora", preset="best", started="2026-11-25 08:11", step=3, steps=90),
        ]  # fmt: skip
        self.error: GraftError | None = None
        self.disagrees = False

    def running(self, step: int = 40) -> None:
        """Be in the middle of a training."""
        points = [
            Point(step=n, loss=3.0 / (1 + 0.1 * n) + 0.3, tokens_per_second=700 + 40 * (n % 3))
            for n in range(1, step + 1)
        ]
        points[-1] = points[-1].model_copy(update={"validation_loss": 1.1})
        self.state = TrainingView(
            state="training", run="ddd", method="lora", preset="default", progress=step / 111, step=step, steps=111,
            loss=points[-1].loss, tokens_per_second=742.0, seconds=150.0, seconds_left=270.0, points=points,
        )  # fmt: skip

    def data(self) -> list[DataOffer]:
        return [
            DataOffer(data="rows", count=5),
            DataOffer(data="pairs", count=5),
            DataOffer(data="judgements", count=0, trouble="preferences.jsonl:3 is no JSON"),
        ]

    def methods(self) -> list[MethodOffer]:
        offers = [("lora", "rows"), ("rslora", "rows"), ("dora", "rows"), ("dpo", "pairs"), ("kto", "judgements")]
        return [
            MethodOffer.model_validate({"method": method, "data": data, "result": "adapter"}) for method, data in offers
        ]

    def presets(self) -> list[PresetOffer]:
        return [
            PresetOffer(preset="default", max_minutes=9, epochs=1),
            PresetOffer(preset="best", max_minutes=43, epochs=3),
        ]

    async def plan(self, choice: TrainingChoice, on_progress: Counting) -> FakePlan:
        self._fail()
        on_progress(221, 443)
        return self.planned

    def start(self, choice: TrainingChoice) -> None:
        self._fail()
        self.started.append(choice)
        self.running(2)

    def resume(self) -> None:
        self.resumed += 1
        self.running(41)

    def cancel(self) -> None:
        update = {"state": "stopped", "resumable": True, "seconds_left": None}
        self.state = self.state.model_copy(update=update)

    def view(self) -> TrainingView:
        return self.state

    def runs(self) -> list[RunRow]:
        return self.finished

    def publish(self, run: str) -> str:
        self.finished = [
            one.model_copy(update={"adapter": "garden@bbbb0000"}) if one.run == run else one for one in self.finished
        ]
        self.published.insert(0, adapter("garden@bbbb0000", method="qlora"))
        return "garden@bbbb0000"

    def adapters(self) -> list[PublishedAdapter]:
        return self.published

    def parity(self, name: str) -> FakeParity | None:
        return self.reports.get(name)

    async def activate(self, name: str, *, unchecked: bool = False) -> None:
        report = FakeParity()
        if self.disagrees:
            reason = "log-probabilities differ by 1.900 on average"
            report = FakeParity(passed=False, reasons=[reason], mean_difference=1.9, overridden=unchecked)
        self.reports[name] = report
        if not report.passed and not unchecked:
            raise AdapterError(f"adapter {name} answers otherwise in vLLM than in PEFT")
        self.published = [one.model_copy(update={"active": one.name == name}) for one in self.published]

    async def roll_back(self) -> str:
        other = next(one.name for one in self.published if not one.active)
        self.published = [one.model_copy(update={"active": one.name == other}) for one in self.published]
        return other

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error
