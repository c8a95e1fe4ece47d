"""Training in a served domain, for the page: planned, started, followed, published. Implements core.training_desk.

A training is `graft train` in a process of its own, which this one may end before. What it is at is in its files.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from core.errors import GraftError, TrainError
from core.files import read_json, write_json
from core.settings import TrainSettings
from core.training_desk import (
    Counting,
    DataOffer,
    MethodOffer,
    PresetOffer,
    PublishedAdapter,
    RunRow,
    TrainingChoice,
    TrainingView,
)
from finetune.dataset import RowsCard
from finetune.launch import CARD, TrainingProcess
from finetune.parity import Parity
from finetune.plan import Plan
from finetune.preferences import read_preferences
from finetune.presets import METHODS, PRESETS
from graft.adapter_figures import figures_by_adapter
from graft.one_training import another
from graft.own_command import start_command
from graft.parity import read_report
from graft.training import plan_training, preference_files, prepare_job, publish_run
from graft.training_record import STARTED, Started, ask_to_cancel, goes_on
from graft.training_view import domain_that_trains, look, read_job, run_rows

if TYPE_CHECKING:
    from graft.service import LocalService

_NO_ADAPTER = "it goes on from an adapter that is in use, and there is none yet: train by another method first"


class LocalTrainingDesk:
    """Trains in the domain that `service` serves."""

    def __init__(self, service: "LocalService") -> None:
        self._service = service
        self._runs = service.workspace.runs(service.pack.name)

    def data(self) -> list[DataOffer]:
        """What there is to learn from."""
        pairs: dict[bool, int] = {True: 0, False: 0}
        trouble = ""
        try:
            for preference in read_preferences(preference_files(self._service), self._service.pack):
                pairs[preference.is_pair] += 1
        except GraftError as error:
            trouble = str(error)
        # A pair is two judgements as well.
        judgements = pairs[False] + 2 * pairs[True]
        return [
            self._examples(),
            DataOffer(data="pairs", count=pairs[True], trouble=trouble),
            DataOffer(data="judgements", count=judgements, trouble=trouble),
        ]

    def methods(self) -> list[MethodOffer]:
        """The methods, and which of them can be used now."""
        has_parent = self._service.store.active() is not None
        return [
            MethodOffer(
                method=method,
                data=facts.data,
                result=facts.result,
                trouble="" if facts.data == "rows" or has_parent else _NO_ADAPTER,
            )
            for method, facts in METHODS.items()
        ]

    def presets(self) -> list[PresetOffer]:
        """The presets."""
        return [
            PresetOffer(preset=name, max_minutes=preset.max_minutes, epochs=preset.epochs)
            for name, preset in PRESETS.items()
        ]

    async def plan(self, choice: TrainingChoice, on_progress: Counting) -> Plan:
        """What a training would take; builds its data if need be."""

        def plan() -> Plan:
            job, _ = prepare_job(self._service, on_progress, self._settings(choice))
            return plan_training(self._service, job)

        return await asyncio.to_thread(plan)

    def start(self, choice: TrainingChoice) -> None:
        """Start it, in a process of its own."""
        arguments = [
            part
            for name, value in choice.model_dump(exclude={"activate", "ignore_memory"}, exclude_none=True).items()
            for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        arguments += [] if choice.activate else ["--no-activate"]
        arguments += ["--ignore-memory"] if choice.ignore_memory else []
        self._start(*arguments)

    def resume(self) -> None:
        """Go on with the one that was stopped last, as it was started."""
        self._start("--resume")

    def cancel(self) -> None:
        """Stop the one that goes on; it can be resumed."""
        if not self.view().busy:
            raise TrainError("no training goes on")
        ask_to_cancel(self._runs)

    def view(self) -> TrainingView:
        """What the training that was started last is at."""
        return look(self._runs)

    def runs(self) -> list[RunRow]:
        """All runs that there are folders of, newest first."""
        published = {manifest.run: manifest.name for manifest in self._service.store.list() if manifest.run}
        return run_rows(self._runs, published)

    def publish(self, run: str) -> str:
        """Publish what a finished run made; returns the adapter's name."""
        if run not in {row.run for row in self.runs() if row.done}:
            raise TrainError(f"there is no finished training '{run}'")
        if self._service.models is None:
            raise TrainError("the models are still being prepared: try again in a moment")
        card = RowsCard.model_validate(read_json(self._runs / run / CARD, TrainError))
        return publish_run(self._service, TrainingProcess(read_job(self._runs / run), card, self._runs)).name

    def adapters(self) -> list[PublishedAdapter]:
        """What is published, newest first."""
        store, active = self._service.store, self._service.store.active()
        figures = figures_by_adapter(self._service.workspace.lab(self._service.pack.name))
        found = []
        for manifest in store.list():
            report = self.parity(manifest.name)
            found.append(
                PublishedAdapter(
                    name=manifest.name,
                    active=manifest.name == active,
                    whole=manifest.merged,
                    checked=report.passed if report else None,
                    manifest=manifest.model_dump(),
                    figures=figures.get(manifest.name, []),
                )
            )
        return found

    def parity(self, name: str) -> Parity | None:
        """What the parity gate found about an adapter last; None: it was never compared."""
        return read_report(self._service.store, name)

    async def activate(self, name: str, *, unchecked: bool = False) -> None:
        """Let an adapter answer, if it answers in vLLM as it does in PEFT, or else `unchecked`."""
        await self._service.activate(name, unchecked=unchecked)

    async def roll_back(self) -> str:
        """Let the adapter answer that did so before; returns its name."""
        with self._service.store.rollback() as name:
            await self._service.activate(name, unchecked=True)
        return name

    def _start(self, *arguments: str) -> None:
        if goes_on(self._runs) or self.view().busy:
            raise TrainError("a training goes on already: wait for it, or cancel it")
        # Also one of another domain, whose process may still be starting. What this cannot see, the lock refuses.
        if domain := domain_that_trains(self._runs.parent):
            raise another(domain)
        service = self._service
        log = service.workspace.logs / "train.log"
        trust = ["--trust"] if service.trusted else []
        now = time.time()
        command = ["train", "--domain", str(service.pack.root), *arguments, *trust]
        pid = start_command(service.settings, service.workspace, log, *command)
        write_json(self._runs / STARTED, Started(pid=pid, time=now, log=str(log)).model_dump())

    def _settings(self, choice: TrainingChoice) -> TrainSettings:
        chosen = choice.model_dump(exclude={"activate", "ignore_memory"}, exclude_none=True)
        return TrainSettings.model_validate({**self._service.settings.train.model_dump(), **chosen})

    def _examples(self) -> DataOffer:
        try:
            return DataOffer(data="rows", count=len(self._service.pack.train_examples))
        except GraftError as error:
            return DataOffer(data="rows", count=0, trouble=str(error))
