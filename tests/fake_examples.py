"""ExampleDesk over lines in memory, for the tests of the page: a quote "nowhere" is wrong, "vague" worth a warning."""

from collections.abc import Sequence

from core.errors import ExampleError, GraftError
from core.example_desk import CandidatePage, ExampleFilter, ExamplePage, ExampleRow, Split, Stamp, TakenIn
from core.example_findings import CheckReport, Finding
from core.example_lines import line_of, place_of, row_of, rows_of, select
from core.review import Candidate, ReviewStatus
from core.types import Evidence, Example
from tests.fakes import DOCUMENTS, QUINCE, XSS

QUOTE = "Prune quince in February, before growth starts."


def quince(**changes) -> Example:
    fields = {
        "id": "quince#1",
        "question": "When do I prune a quince?",
        "answer": "In February, before growth starts.",
        "evidence": (Evidence(source="shrubs/quince.md", quote=QUOTE),),
        "tags": ("record:quince", "kind:when"),
    }
    return Example.model_validate(fields | changes)


EXAMPLES = [
    quince(),
    quince(
        id="quince#2",
        question="Quince, as JSON?",
        answer={"plant": "quince", "prune": "February", "sun": True},
        format="json",
        schema="care",
    ),
    quince(id="tulip", question="Does the tulip bite?", answer=None, answerable=False, evidence=(), tags=()),
    quince(id="evil", question=XSS, answer=f"Beware: {XSS}", evidence=(), tags=("kind:evil",)),
    quince(id="sage", question="Sage, as YAML?", answer={"plant": "sage", "prune": "after flowering", "sun": True},
           format="yaml", schema="care", evidence=(), tags=()),
]  # fmt: skip


class FakeExampleDesk:
    """The garden's examples."""

    note = ""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Be as new: five training examples and a broken line, one test example, two candidates."""
        self.train = [*map(line_of, EXAMPLES), "{broken"]
        self.test = [line_of(quince(id="test#1", question="Which month for the quince?"))]
        rose = quince(id="feedback-rose", question="When do I prune a rose?", answer="In March.")
        fern = quince(id="new-fern", question="When do I prune a fern?", answer="Never.")
        self.waiting = [
            Candidate(task="feedback:rose:1", example=rose, passage=QUINCE, teacher="user"),
            Candidate(task="chunk:fern", example=fern, passage=f"Ferns. {XSS}", teacher="base"),
        ]
        self.error: GraftError | None = None

    def frozen(self) -> str:
        return "It will be frozen by the first lab run."

    def examples(self, split: Split, wanted: ExampleFilter, offset: int, limit: int) -> ExamplePage:
        self._fail()
        return select(rows_of(self._texts(split)), wanted, offset, limit)

    def at(self, split: Split, line: int) -> ExampleRow:
        return row_of(line, self._texts(split)[line - 1])

    def findings(self, example: Example, over: Stamp | None) -> list[Finding]:
        self._fail()
        found = []
        for one in example.evidence:
            if one.quote == "nowhere":
                found.append(self._finding("error", "evidence", f"'nowhere' is not in {one.source}"))
            if one.quote == "vague":
                found.append(self._finding("warning", "evidence", f"'vague' stands 2 times in {one.source}"))
        return found

    def save(self, example: Example, over: Stamp | None) -> ExampleRow:
        index = len(self.train) if over is None else place_of(self.train, over)
        self.train[index : index + 1] = [line_of(example)]
        return row_of(index + 1, self.train[index])

    def remove(self, over: Stamp) -> None:
        del self.train[place_of(self.train, over)]

    def sources(self) -> Sequence[str]:
        return [source for source, _, _ in DOCUMENTS]

    def check(self) -> CheckReport:
        self._fail()
        findings = [
            self._finding("error", "line", "not JSON (Expecting property name at column 2)", 6),
            self._finding("warning", "leakage", "asks almost what the test test.jsonl:1 asks (81% alike)", 1),
            self._finding("warning", "size", "holds 5 examples", None),
        ]
        return CheckReport(domain="garden", train=5, test=1, findings=findings, skipped=["lengths: no tokenizer"])

    def candidates(self, status: ReviewStatus, offset: int, limit: int) -> CandidatePage:
        fitting = [candidate for candidate in self.waiting if candidate.status == status]
        counts = {name: sum(c.status == name for c in self.waiting) for name in ("pending", "accepted", "rejected")}
        return CandidatePage.model_validate({"rows": fitting[offset : offset + limit], "counts": counts})

    def candidate(self, task: str) -> Candidate:
        found = next((candidate for candidate in self.waiting if candidate.task == task), None)
        if found is None:
            raise ExampleError("this candidate is gone: somebody else works through the same file")
        return found

    def accept(self, task: str, example: Example) -> None:
        self._settle(task, "accepted", example)
        self.train.append(line_of(example))

    def settle(self, task: str, status: ReviewStatus) -> None:
        self._settle(task, status, self.candidate(task).example)

    def take_in(self) -> TakenIn:
        self._fail()
        iris = quince(id="feedback-iris", question="When do I prune an iris?", answer="In autumn.")
        self.waiting.append(Candidate(task="feedback:iris:1", example=iris, teacher="user"))
        return TakenIn(added=1, preferences=4, tested=2)

    def _settle(self, task: str, status: ReviewStatus, example: Example) -> None:
        update = {"status": status, "example": example}
        self.waiting = [c.model_copy(update=update) if c.task == task else c for c in self.waiting]

    def _texts(self, split: Split) -> list[str]:
        return self.train if split == "train" else self.test

    def _finding(self, severity, check, message, line: int | None = 1) -> Finding:
        return Finding(
            severity=severity, check=check, file="examples/train.jsonl", line=line, message=message, remedy="mend it"
        )

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error
