"""The labs of a served domain, for the page: started, followed, read, compared. Implements core.lab_desk.

A lab runs in a process of its own, by the command that people type; what it is at is read from its folder alone.
"""

import re
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.arms import ARMS
from core.errors import LabError, RequestError
from core.files import read_json
from core.lab_desk import Collecting, LabArm, LabComparison, LabErrors, LabOffer, LabRunRow, LabWish
from core.pack import DomainPack
from graft import own_process
from graft.build import pack_reference
from graft.collect import COLLECT, collect_arguments
from graft.lab import existing_arms
from graft.lab_command import DEFAULT_ARMS, argument_after, lab_arguments
from graft.lab_rows import comparison_of, errors_of, finished_row
from graft.service import LocalService

if TYPE_CHECKING:
    from evaluation.runs import Run

LAB_FILE, REPORT = "lab.json", "report.html"
_NAME = re.compile(r"[\w.-]{1,100}")


class LocalLabDesk:
    """Works on the labs in the workspace of the domain that `service` serves."""

    def __init__(self, service: LocalService) -> None:
        self._service = service
        self._folder = service.workspace.lab(service.pack.name)
        self._reference = pack_reference(service.pack)

    def offer(self) -> LabOffer:
        """What can be asked now."""
        settings = self._service.settings
        # Read anew: a pack keeps what it read first, and prepare.py may have written since.
        pack = self._service.pack
        questions = len(DomainPack(pack.root, pack.file, pack.data).test_examples)
        missing = "" if questions else "there are no test questions yet, so there is nothing to measure by"
        adapters = [info for info in self._service.adapters() if not info.active]
        service = self._service
        trained = existing_arms(settings, service.workspace, service.pack) if service.models is not None else []
        arms = [
            *(LabArm(name=name, missing=self._missing(name)) for name in _offered()),
            *(LabArm(name=name) for name in trained),
            *(
                LabArm(name=f"hybrid@{info.name.partition('@')[2]}", adapter=info.name, created=info.created)
                for info in adapters
            ),
        ]
        default = [name for name in DEFAULT_ARMS.split(",") if not self._missing(name)]
        return LabOffer(arms=arms, default=default, questions=questions, seed=settings.lab.seed, missing=missing)

    def runs(self) -> list[LabRunRow]:
        """All labs, newest first."""
        if not self._folder.is_dir():
            return []
        rows = [row for folder in self._folder.iterdir() if (row := self._row(folder)) is not None]
        return sorted(rows, key=lambda row: (row.created, row.name), reverse=True)

    def start(self, wish: LabWish) -> str:
        """Begin a lab in a process of its own; returns its name."""
        self._refuse_second()
        offer = self.offer()
        if offer.missing:
            raise LabError(offer.missing)
        known = {arm.name: arm for arm in offer.arms}
        chosen = [name for name in dict.fromkeys(wish.arms) if name in known]
        if not chosen:
            raise LabError("choose at least one way of answering")
        for name in chosen:
            if known[name].missing:
                raise LabError(f"{name}: {known[name].missing}")
        name = self._free_name()
        plain = [arm.removesuffix("+schema").partition("@")[0] for arm in chosen]
        searching = [arm for arm, bare in zip(chosen, plain, strict=True) if bare in ARMS and ARMS[bare].retrieval]
        arguments = lab_arguments(
            self._reference, chosen, (self._folder / name).absolute(),
            limit=None if wish.questions is None or wish.questions >= offer.questions else max(1, wish.questions),
            seed=wish.seed,
            controls=searching if wish.controls else (),
            learning_curve=wish.learning_curve,
            trust=self._service.trusted,
        )  # fmt: skip
        self._start(arguments, self._folder / name)
        return name

    def cancel(self, run: str) -> None:
        """Stop a lab; what was answered is kept."""
        own_process.cancel(self._path(run))

    def go_on(self, run: str) -> None:
        """Let a lab that was cut short go on where it was."""
        self._refuse_second()
        own_process.go_on(self._path(run), self._service.settings, self._service.workspace)

    def compare(self, before: str, after: str) -> LabComparison:
        """What has become better or worse from one lab to another."""
        if before == after:
            raise RequestError("choose two different labs to compare")
        lab = self._service.settings.lab
        return comparison_of(self._read(before), self._read(after), resamples=lab.bootstrap, seed=lab.seed)

    def errors(self, run: str, arm: str | None, kind: str | None, limit: int) -> LabErrors:
        """The misses of an arm, of one class or all, the first `limit`."""
        return errors_of(run, self._read(run), arm, kind, limit, self._reference)

    def collect(self, run: str, arm: str, kind: str | None, count: int) -> None:
        """Let examples be written near the misses, in a process of its own; they wait for review."""
        folder = self._folder / COLLECT
        if own_process.is_running(folder):
            raise RequestError("examples are being written already: wait until that is done")
        if arm not in self._read(run).arms:
            raise RequestError(f"that lab did not ask '{arm}'")
        kinds = [kind] if kind else []
        path = str(self._path(run).absolute())
        arguments = collect_arguments(self._reference, path, arm, kinds, count, trust=self._service.trusted)
        self._start(arguments, folder)

    def collecting(self) -> Collecting:
        """How far that is."""
        found = own_process.progress_of(self._folder / COLLECT)
        if found is None:
            return Collecting()
        return Collecting(state=found.state, share=found.share, stage=found.stage, detail=found.detail)

    def report(self, run: str) -> Path | None:
        """The file of a lab's report, None where there is none."""
        try:
            path = self._path(run) / REPORT
        except RequestError:
            return None
        return path if path.is_file() else None

    def _start(self, arguments: list[str], folder: Path) -> None:
        own_process.start(arguments, folder, self._service.settings, self._service.workspace)

    def _row(self, folder: Path) -> LabRunRow | None:
        """One folder as a row; None where it is no lab's."""
        progress = None if folder.name == COLLECT else own_process.progress_of(folder)
        document = _document(folder / LAB_FILE, _stamp(folder / LAB_FILE))
        if progress is None and document is None:
            return None
        if document is not None and (progress is None or progress.state == "done"):
            return finished_row(folder.name, document, report=(folder / REPORT).is_file())
        assert progress is not None
        arguments, begun = own_process.begun(folder)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun))
        limit = argument_after(arguments, "--limit")
        return LabRunRow(
            name=folder.name,
            created=created,
            # A lab whose last word is that it is done, and that left no figures, was emptied by somebody.
            state="failed" if progress.state == "done" else progress.state,
            arms=[name for name in argument_after(arguments, "--arms").split(",") if name],
            questions=int(limit) if limit.isdigit() else None,
            stage=progress.stage,
            share=progress.share,
            seconds_left=progress.seconds_left,
            detail=progress.detail,
        )

    def _read(self, run: str) -> "Run":
        folder = self._path(run)
        return _run(folder, _stamp(folder / LAB_FILE))

    def _path(self, run: str) -> Path:
        """The folder of a lab of this domain. Raises RequestError for what is none."""
        if not _NAME.fullmatch(run) or run in (".", "..", COLLECT) or not (self._folder / run).is_dir():
            raise RequestError("there is no such lab any more: choose another")
        return self._folder / run

    def _refuse_second(self) -> None:
        running = [row.name for row in self.runs() if row.state == "running"]
        if running:
            raise RequestError(f"lab {running[0]} is running: wait until it is done, or cancel it")

    def _missing(self, name: str) -> str:
        arm = ARMS[name.removesuffix("+schema")]
        if arm.adapter and self._service.state.adapter is None and self._service.store.active() is None:
            return "needs training: there is no adapter in use yet"
        if arm.icl and not self._service.pack.train_file.is_file():
            return "needs training examples to show"
        return ""

    def _free_name(self) -> str:
        name = time.strftime("%Y%m%d-%H%M%S")
        number = 1
        while (self._folder / name).exists():
            number += 1
            name = f"{name.partition('.')[0]}.{number}"
        return name


def _offered() -> list[str]:
    names = []
    for name, arm in ARMS.items():
        names += [name, f"{name}+schema"] if arm.retrieval or arm.adapter else [name]
    return names


def _stamp(path: Path) -> int:
    """When a file was written last: labs are large and do not change, so they are read once."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _document(path: Path, stamp: int) -> dict[str, Any] | None:  # noqa: ARG001  `stamp` is part of the key
    """A lab.json; None where it is missing or broken."""
    try:
        found = read_json(path, LabError)
    except LabError:
        return None
    return found if isinstance(found, dict) and found.get("arms") else None


@lru_cache(maxsize=4)
def _run(folder: Path, stamp: int) -> "Run":  # noqa: ARG001
    from evaluation.runs import read_run

    return read_run(folder)
