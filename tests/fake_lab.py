"""Desks for labs and advice over plain data, for the page's tests: a lab moves when a test says so."""

from pathlib import Path

from core.advice_desk import AdviceMethod, AdviceQuestion, AdviceShown, AdviceStep, Kind
from core.errors import RequestError
from core.lab_desk import (
    Collecting,
    ComparedFigure,
    LabArm,
    LabComparison,
    LabErrors,
    LabFigure,
    LabOffer,
    LabRunRow,
    LabWish,
    MissClassRow,
    MissRow,
)
from tests.fakes import XSS

REPORT = (
    "<!doctype html><html><head><style>h1{color:rgb(1,2,3)}</style></head><body><h1>The arms compared</h1>"
    "<script>parent.__pwned=1;document.querySelector('h1').textContent='pwned'</script>"
    "<img src=https://example.invalid/a.png></body></html>"
)
OLD, NEW = "20260101-080000", "20260102-080000"


class FakeLabDesk:
    """LabDesk: two labs that are done, and whatever is started. `row` is the started one, for tests to change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.reset()

    def reset(self) -> None:
        """Be as new."""
        self.offered = LabOffer(
            arms=[
                LabArm(name="base"),
                LabArm(name="rag"),
                LabArm(name="hybrid", missing="needs training: there is no adapter in use yet"),
            ],
            default=["base", "rag"],
            questions=60,
            seed=11,
        )
        self.done = [_finished(NEW, "2026-01-02", 0.4), _finished(OLD, "2026-01-01", 0.5)]
        self.row: LabRunRow | None = None
        self.wishes: list[LabWish] = []
        self.collected: list[tuple[str, str, str | None, int]] = []
        self.state = Collecting()

    def offer(self) -> LabOffer:
        return self.offered

    def runs(self) -> list[LabRunRow]:
        return [*([self.row] if self.row else []), *self.done]

    def start(self, wish: LabWish) -> str:
        if not wish.arms:
            raise RequestError("choose at least one way of answering")
        self.wishes.append(wish)
        self.row = LabRunRow(
            name="20260103-080000", created="2026-01-03T08:00:00Z", state="running", arms=wish.arms, stage="rag",
            share=0.25, seconds_left=240,
        )  # fmt: skip
        return self.row.name

    def change(self, **changes: object) -> None:
        """Let the started lab move."""
        assert self.row is not None
        self.row = self.row.model_copy(update=changes)

    def cancel(self, run: str) -> None:
        self.change(state="stopped", seconds_left=None)

    def go_on(self, run: str) -> None:
        self.change(state="running")

    def compare(self, before: str, after: str) -> LabComparison:
        if before == after:
            raise RequestError("choose two different labs to compare")
        figure = ComparedFigure(
            arm="rag", measure="right", before=0.5, after=0.4, mean=-0.1, low=-0.15, high=-0.05, n=60, regressed=True
        )
        return LabComparison(figures=[figure], left_out=["icl"])

    def errors(self, run: str, arm: str | None, kind: str | None, limit: int) -> LabErrors:
        counts = {"not_retrieved": 3, "wrong_field": 2}
        classes = [
            MissClassRow(
                kind=name, count=count, meaning=f"{name} happened.", remedy="Do this.", command="graft x",
                trainable=name == "wrong_field",
            )
            for name, count in counts.items()
        ]  # fmt: skip
        misses = [
            MissRow(kind=name, question=f"Question {number} of {name}?", format="text", expected="February", said=XSS)
            for name, count in counts.items()
            for number in range(count)
            if kind in (None, name)
        ]
        return LabErrors(
            run=run, arm=arm or "rag", arms=["base", "rag"], questions=60, classes=classes, misses=misses[:limit],
            found=len(misses),
        )  # fmt: skip

    def collect(self, run: str, arm: str, kind: str | None, count: int) -> None:
        self.collected.append((run, arm, kind, count))
        self.state = Collecting(state="done", share=1.0, detail="4 kept of 40 asked; 4 wait for review")

    def collecting(self) -> Collecting:
        return self.state

    def report(self, run: str) -> Path | None:
        if run not in {row.name for row in self.done}:
            return None
        path = self._folder / f"{run}.html"
        path.write_text(REPORT, encoding="utf-8")
        return path


def _finished(name: str, day: str, share: float) -> LabRunRow:
    figures = [
        LabFigure(arm="base", mean=0.1, low=0.05, high=0.15, misses=54),
        LabFigure(arm="rag", mean=share, low=share - 0.1, high=share + 0.1, misses=36),
    ]
    return LabRunRow(
        name=name, created=f"{day}T08:00:00Z", state="done", arms=["base", "rag"], questions=60, share=1.0,
        measure="field_em", figures=figures, report=True,
    )  # fmt: skip


class FakeAdviceDesk:
    """AdviceDesk: two questions, one of them measured, and answers in memory."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Be as new."""
        self.said: dict[str, bool] = {}

    def advice(self) -> AdviceShown:
        said = self.said.get("resources")
        answer = "unknown" if said is None else "yes" if said else "no"
        return AdviceShown(
            headline="Use hybrid: +30 points [+20, +40] against rag." if said is not False else "Use rag.",
            short="Fine-tune." if said is not False else "Do not fine-tune.",
            status="The questions alone spoke for rag; the lab (60 questions, 2026-01-02) overturns that.",
            because="hybrid reaches 60% [50%, 70%] on 60 questions.",
            fine_tune="yes" if said is not False else "no",
            cautions=[f"It refuses little. {XSS}"],
            costs=[("Money", "0.5 USD [0.4, 0.6] per 1,000 answers"), ("Time", "2.0 s an answer (median)")],
            would_change=["A change of the documents every day."],
            order=[AdviceStep(what="ICL", measured="icl 10% [5%, 15%]", why="It costs nothing.", command="graft lab")],
            next_data=[AdviceStep(what="50 more records", why="They are few.", command="graft dataset synthesize")],
            questions=[
                AdviceQuestion(
                    key="precision", question="Does the domain need precision?", answer="yes", source="measured",
                    evidence="55% of the test questions want exact values.", means="Fine-tuning.",
                ),
                AdviceQuestion(
                    key="resources", question="Are there resources for training?", answer=answer,
                    source="nobody" if said is None else "said", evidence="Neither measured nor answered.",
                    means="Training is possible.", said=said,
                ),
            ],
            columns=["Cost", "Accuracy"],
            methods=[AdviceMethod(name="LoRA", measured="hybrid: 60% [50%, 70%]", cells=["Little.", "High."])],
            lab=NEW,
        )  # fmt: skip

    def answer(self, question: str, yes: bool | None) -> None:
        if question != "resources":
            raise RequestError(f"the advisor has no question '{question}'")
        self.said.pop(question, None)
        if yes is not None:
            self.said[question] = yes

    def download(self, kind: Kind) -> str:
        return f"The advice as {kind}."
