"""The examples of a served domain, for the page: listed, checked, changed, reviewed. Implements core.example_desk.

The same code as `graft dataset check`, `graft dataset review` and `graft feedback export`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import ExampleError, RequestError
from core.example_desk import CandidatePage, ExampleFilter, ExamplePage, ExampleRow, Split, Stamp, TakenIn
from core.example_findings import CheckReport, Finding
from core.example_lines import line_of, place_of, read_texts, row_of, rows_of, select
from core.feedback_store import FeedbackStore
from core.index import CorpusFiles
from core.review import Candidate, ReviewStatus
from core.types import Example
from finetune.corpus_text import CorpusText
from finetune.dataset_check.finding import Line
from finetune.dataset_check.lengths import find_too_long
from finetune.example_flaws import findings_about
from finetune.examples_file import put_example, refuse_flaws, remove_example
from finetune.preferences import FILE as PREFERENCES
from finetune.synthesis.accept import accept
from finetune.synthesis.candidate import ReviewFile
from graft import build
from graft.dataset import MADE_BY_PREPARE, check_domain, limits_of
from graft.feedback import take_in

if TYPE_CHECKING:
    from graft.service import LocalService


class LocalExampleDesk:
    """Works on the files of the domain that `service` serves, in the same process."""

    def __init__(self, service: "LocalService", feedback: FeedbackStore) -> None:
        self._service, self._feedback, self._pack = service, feedback, service.pack
        self._corpus: tuple[str, CorpusText | None] = ("", None)
        self.note = f"{self._pack.train_file.name} {MADE_BY_PREPARE}." if self._pack.file.prepare else ""

    @property
    def _review(self) -> ReviewFile:
        return ReviewFile(self._pack.data / "examples")

    def frozen(self) -> str:
        """What holds the test set as it is, in one sentence."""
        from evaluation.frozen import frozen_by

        return frozen_by(self._pack, self._service.workspace.lab(self._pack.name))

    def examples(self, split: Split, wanted: ExampleFilter, offset: int, limit: int) -> ExamplePage:
        """Lines of a file in its order, those that fit."""
        return select(rows_of(self._texts(split)), wanted, offset, limit)

    def at(self, split: Split, line: int) -> ExampleRow:
        """The line of that number, counted from 1."""
        texts = self._texts(split)
        if not 0 < line <= len(texts):
            raise ExampleError(f"there is no line {line} any more: the file has {len(texts)}")
        return row_of(line, texts[line - 1])

    def findings(self, example: Example, over: Stamp | None) -> list[Finding]:
        """What the checks say of an example that would be added, or take the place of the line `over`."""
        texts = self._texts("train")
        if over is None and line_of(example) in texts:
            return []  # accepted before, by somebody who was interrupted
        index = None if over is None else place_of(texts, over)
        number = None if index is None else index + 1
        found = findings_about(self._pack, example, number, self._text(), near=True)
        models = self._service.models
        if models is not None:
            line = Line(self._pack.train_file, number or 0, example)
            count = build.message_counter(models.llm)
            found += find_too_long([line], self._pack, count, limits_of(self._service.settings))
        return sorted(found, key=lambda finding: finding.severity != "error")

    def save(self, example: Example, over: Stamp | None) -> ExampleRow:
        """Add a training example, or put it in the place of the line `over`. Returns the new line."""
        refuse_flaws(self.findings(example, over), example)
        return put_example(self._pack, example, over, self._text())

    def remove(self, over: Stamp) -> None:
        """Delete a training example."""
        remove_example(self._pack, over)

    def sources(self) -> Sequence[str]:
        """The documents that evidence can be from; empty without an index."""
        corpus = self._text()
        return [] if corpus is None else corpus.sources

    def check(self) -> CheckReport:
        """All checks of both files."""
        service = self._service
        return check_domain(service.settings, service.workspace, self._pack, lambda text: None)

    def candidates(self, status: ReviewStatus, offset: int, limit: int) -> CandidatePage:
        """Candidates of one status, in the order they came."""
        found = self._review.read()
        fitting = [candidate for candidate in found if candidate.status == status]
        counts: dict[ReviewStatus, int] = {"pending": 0, "accepted": 0, "rejected": 0}
        for candidate in found:
            counts[candidate.status] += 1
        return CandidatePage(rows=fitting[offset : offset + limit], counts=counts)

    def candidate(self, task: str) -> Candidate:
        """One candidate."""
        found = next((candidate for candidate in self._review.read() if candidate.task == task), None)
        if found is None:
            raise ExampleError("this candidate is gone: somebody else works through the same file")
        return found

    def accept(self, task: str, example: Example) -> None:
        """Make a training example of a waiting candidate, as a person left it."""
        candidate = self.candidate(task)
        if candidate.status == "rejected":
            raise RequestError("this candidate was rejected: let it wait again first")
        accept(self._pack, candidate.model_copy(update={"example": example}), self._text())
        # After a kill in between, accepting again finds the example there and only writes this down.
        self._review.settle(task, "accepted", example, before="pending")

    def settle(self, task: str, status: ReviewStatus) -> None:
        """Reject a waiting candidate, or let a rejected one wait again."""
        before: ReviewStatus = "rejected" if status == "pending" else "pending"
        self._review.settle(task, status, self.candidate(task).example, before=before)

    def take_in(self) -> TakenIn:
        """Make candidates and preferences of what users said about answers."""
        folder = self._service.workspace.feedback(self._pack.name)
        return take_in(self._feedback, self._pack, folder / PREFERENCES)

    def _texts(self, split: Split) -> list[str]:
        return read_texts(self._pack.train_file if split == "train" else self._pack.test_file)

    def _text(self) -> CorpusText | None:
        """The indexed text, read again when another generation is served."""
        folder = self._service.workspace.corpus(self._pack.name)
        pointer = CorpusFiles(folder).read_pointer()
        name = pointer.name if pointer else ""
        if name != self._corpus[0]:
            self._corpus = (name, CorpusText.open(folder))
        return self._corpus[1]
