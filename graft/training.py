"""From a domain's examples to an active adapter: data set, run, publication, activation. Prints nothing."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import GraftError, TrainError
from core.files import sha256_json
from core.pack import DomainPack
from core.service import TrainingStatus
from core.settings import TrainSettings
from finetune.adapter_files import Parent
from finetune.adapters import AdapterManifest
from finetune.dataset import DatasetCard, RowsCard, SearchedIndex, build_dataset, refuse_tested
from finetune.job import Job, Status
from finetune.launch import TrainingProcess, last_unfinished, make_job, needed_parent
from finetune.machine_speed import this_machine
from finetune.parity import Parity
from finetune.plan import Plan, make_plan
from finetune.preference_rows import build_preference_rows
from finetune.preferences import FILE as PREFERENCES
from finetune.presets import METHODS
from finetune.rows import RowOptions
from graft import build
from graft.adapters import provenance
from graft.machine import available_memory
from graft.models import PreparedModels
from graft.parity import read_report
from graft.service import LocalService
from graft.training_record import Recorder, read_record, recorded

if TYPE_CHECKING:
    from core.service import DomainService

OnTraining = Callable[[TrainingStatus], None]
OnPlan = Callable[[Plan], None]
OnReport = Callable[[Parity], None]


def build_training_data(
    service: LocalService,
    on_progress: Callable[[int, int], None],
    *,
    pack: DomainPack | None = None,
    folder: Path | None = None,
    examples_hash: str = "",
) -> DatasetCard:
    """Build (or reuse) the training rows of the service's domain. Raises TrainError, LeakageError.

    `pack` with `folder` and `examples_hash`: rows of the same domain from other training examples than its file's.
    """
    models, settings = _models(service), service.settings
    return build_dataset(
        pack or service.pack,
        service.retriever(service.pack.name),
        build.token_counter(models.llm),
        folder or service.workspace.dataset(service.pack.name),
        options=RowOptions(
            token_budget=settings.retrieve.token_budget,
            context_tokens=min(RowOptions().context_tokens, settings.serve.max_model_len),
            seed=settings.train.seed,
        ),
        prompt_hash=service.prompt_hash,
        index=_index(service, examples_hash),
        on_progress=on_progress,
        count_messages=build.message_counter(models.llm),
    )


def build_preferences(service: LocalService, data: str) -> tuple[RowsCard, Path]:
    """Build (or reuse) the rows for dpo ("pairs") or kto ("judgements"). Raises TrainError, LeakageError."""
    models, settings, name = _models(service), service.settings, service.pack.name
    return build_preference_rows(
        service.pack,
        preference_files(service),
        data,
        service.retriever(name),
        build.token_counter(models.llm),
        build.message_counter(models.llm),
        service.workspace.dataset(name),
        token_budget=settings.retrieve.token_budget,
        context_tokens=min(RowOptions().context_tokens, settings.serve.max_model_len),
        prompt_hash=service.prompt_hash,
        index=_index(service),
    )


def preference_files(service: LocalService) -> list[Path]:
    """Where preferences of the domain are looked for: in the pack, and where the workspace keeps what users said."""
    return [service.pack.preferences_file, service.workspace.feedback(service.pack.name) / PREFERENCES]


def prepare_job(
    service: LocalService, on_progress: Callable[[int, int], None], train: TrainSettings | None = None
) -> tuple[Job, RowsCard]:
    """The job that the settings (or `train`) ask for, with its data built. Raises TrainError, LeakageError."""
    models, name, train = _models(service), service.pack.name, train or service.settings.train
    data = METHODS[train.method].data
    parent = None
    if data == "rows":
        card: RowsCard = build_training_data(service, on_progress)
        rows = service.workspace.dataset(name) / "rows.jsonl"
    else:
        parent = needed_parent(train, name, _parent(service))
        card, rows = build_preferences(service, data)
    return make_job(train, card, rows, models.llm, models.llm_name, service.workspace.run, parent), card


def unfinished_job(service: LocalService) -> tuple[Job, RowsCard]:
    """The job that was stopped last, as it was started. Raises TrainError where there is none, or it fits no more.

    Raises LeakageError where its rows are of a record that is tested since.
    """
    models, name = _models(service), service.pack.name
    found = last_unfinished(service.workspace.runs(name))
    if found is None:
        raise TrainError(f"domain '{name}' has no unfinished training: start one with graft train --domain {name}")
    job, card = found
    if (job.base_name, job.prompt_hash) != (models.llm_name, service.prompt_hash):
        raise TrainError(
            f"the unfinished training of '{name}' is of {job.base_name} and other prompts than this Graft's: "
            f"start with --llm {job.base_name}, or train anew without --resume"
        )
    refuse_tested(Path(job.rows), service.pack)
    here: dict[str, str] = {"base": str(models.llm), "activity_folder": str(service.workspace.run)}
    if job.parent:
        here["parent_folder"] = str(service.store.path(job.parent))
    return job.model_copy(update=here), card


def plan_training(service: LocalService, job: Job) -> Plan:
    """What a job will take on this machine as it is now. Raises TrainError."""
    machine = this_machine(available_memory, job.processes)
    return make_plan(job, service.workspace.runs(service.pack.name), machine)


@dataclass(frozen=True)
class Wishes:
    """What whoever starts a training wants of it besides an adapter.

    `on_plan` is told what the training will take before it starts; it is refused where memory will not do, unless
    `ignore_memory`. `on_report` is told what the parity gate found; `unchecked` goes past it. `serving` finds the
    process that serves the domain, if it is another one: what is activated is activated there. `share` is that of the
    training records which the service's pack has, where it is a part of another's: the manifest says so.
    """

    activate: bool = True
    ignore_memory: bool = False
    unchecked: bool = False
    share: float | None = None
    on_plan: OnPlan = lambda plan: None
    on_report: OnReport = lambda report: None
    say: Callable[[str], None] = lambda text: None
    serving: "Callable[[], DomainService | None]" = lambda: None


def train_adapter(
    service: LocalService, on_training: OnTraining, wishes: Wishes | None = None, *, resume: bool = False
) -> AdapterManifest:
    """Train, publish and (by default) activate an adapter. The service's training status follows. Raises GraftError.

    With `resume` the training that was stopped last goes on with its own options, whatever the settings say now, and is
    activated, and may go past the memory check, only as it was to be. A workspace has one training at a time; what it
    is at stands in its domain's files (graft.training_record).
    """
    wishes = wishes or Wishes()
    if resume:
        wishes = _as_started(service, wishes)
    with training_of(service, on_training, wishes) as tell:
        job, card = unfinished_job(service) if resume else prepare_job(service, tell.preparing)
        if wishes.share is not None:
            job = job.model_copy(update={"share": wishes.share})
        return run_job(service, job, card, tell, wishes)


def _as_started(service: LocalService, wishes: Wishes) -> Wishes:
    """The wishes of the training that was stopped last, where these say nothing else."""
    runs = service.workspace.runs(service.pack.name)
    record, found = read_record(runs), last_unfinished(runs)
    if record is None or found is None or record.run not in (None, found[0].key):
        return wishes
    return replace(
        wishes,
        activate=wishes.activate and record.activate,
        ignore_memory=wishes.ignore_memory or record.ignore_memory,
    )


@contextmanager
def training_of(service: LocalService, on_training: OnTraining, wishes: Wishes) -> Iterator["Teller"]:
    """Be the training of the workspace: the only one, written down, a failure as well. Raises TrainError."""
    with recorded(service.workspace.runs(service.pack.name), service.pack.name) as recorder:
        recorder.note(activate=wishes.activate, ignore_memory=wishes.ignore_memory)
        tell = Teller(service, on_training, recorder)
        with tell.failures():
            tell(TrainingStatus(state="preparing", detail="training data"))
            yield tell


def run_job(service: LocalService, job: Job, card: RowsCard, tell: "Teller", wishes: Wishes) -> AdapterManifest:
    """Train a job whose data is built, publish and, by default, activate what it makes. Raises GraftError."""
    plan = plan_training(service, job)
    wishes.on_plan(plan)
    tell.recorder.note(run=job.key, plan=plan.lines())
    if not wishes.ignore_memory:
        plan.check()
    manifest = _train(service, job, card, tell)
    tell.recorder.note(adapter=manifest.name)
    if wishes.activate:
        tell(TrainingStatus(state="publishing", progress=1.0, detail="comparing PEFT and vLLM"))
        _activate(service, manifest.name, wishes)
    tell(TrainingStatus(state="done", progress=1.0, detail=manifest.name, loss=manifest.metrics.get("last_loss")))
    return manifest


def _activate(service: LocalService, name: str, wishes: Wishes) -> None:
    """Activate where the domain is served now: a server may have come or gone while this trained."""
    remote = wishes.serving()
    if remote is not None:
        asyncio.run(remote.activate(name, unchecked=wishes.unchecked))
        report = read_report(service.store, name)
    else:
        report = service.activate_now(name, unchecked=wishes.unchecked, say=wishes.say)
    if report is not None:
        wishes.on_report(report)


class Teller:
    """Passes a training's status on, and keeps the service's own and the record up to date."""

    def __init__(self, service: LocalService, on_training: OnTraining, recorder: Recorder) -> None:
        self.service, self.on_training, self.recorder = service, on_training, recorder

    def __call__(self, status: TrainingStatus) -> None:
        """Pass a status on. Raises TrainingCancelledError."""
        self.service.state.training = status
        self.on_training(status)
        self.recorder.tell(status)

    def preparing(self, done: int, total: int) -> None:
        """Progress of the data."""
        detail = f"training data {done} of {total}"
        self(TrainingStatus(state="preparing", detail=detail, progress=done / max(total, 1)))

    @contextmanager
    def failures(self) -> Iterator[None]:
        """A failure is the last status."""
        try:
            yield
        except GraftError as error:
            self(TrainingStatus(state="failed", detail=str(error)))
            raise
        except Exception as error:
            # A defect: without this the training would seem to be stopped, and nobody would know why.
            self(TrainingStatus(state="failed", detail=f"{type(error).__name__}: {error}"))
            raise


def _train(service: LocalService, job: Job, card: RowsCard, tell: OnTraining) -> AdapterManifest:
    process = TrainingProcess(job, card, service.workspace.runs(service.pack.name))
    try:
        process.start()
        process.wait(lambda status: tell(_as_training(status)))
    finally:
        process.stop()
    tell(TrainingStatus(state="publishing", progress=1.0, detail="checking and publishing"))
    return publish_run(service, process)


def publish_run(service: LocalService, process: TrainingProcess) -> AdapterManifest:
    """Publish what a finished run made. Raises TrainError, AdapterError."""
    job, card = process.job, process.card
    made = provenance(service, card, _models(service), job.parent)
    return service.store.publish(process.result, job, card.rows, process.status().metrics, made)


def _parent(service: LocalService) -> Parent | None:
    """The adapter that preferences go on from: the active one, if it fits the base. Raises AdapterError."""
    active = service.store.active()
    if active is None:
        return None
    base, prompt_hash = _models(service).llm_name, service.prompt_hash
    manifest = service.store.check_lora(active, base_name=base, prompt_hash=prompt_hash)
    return Parent(manifest.name, service.store.path(active), manifest.rank)


def _index(service: LocalService, examples_hash: str = "") -> SearchedIndex:
    """The index as it is searched now; other examples than the file's make another fingerprint."""
    from core.index import CorpusFiles, index_fingerprint

    name = service.pack.name
    folder = service.workspace.corpus(name)
    corpus, generation = index_fingerprint(folder), CorpusFiles(folder).read_pointer()
    fingerprint = sha256_json([corpus, service.retriever(name).fingerprint])
    return SearchedIndex(
        fingerprint=sha256_json([fingerprint, examples_hash]) if examples_hash else fingerprint,
        corpus=corpus or None,
        generation=generation.name if generation else None,
    )


def _models(service: LocalService) -> PreparedModels:
    if service.models is None:
        raise TrainError("the models are not prepared yet: run graft models prepare")
    return service.models


def _as_training(status: Status) -> TrainingStatus:
    return TrainingStatus(
        state="paused" if status.state == "paused" else "training",
        detail="loading the model" if status.state in ("waiting", "loading") else "",
        progress=status.progress,
        loss=status.loss,
        validation_loss=status.validation_loss,
        learning_rate=status.learning_rate,
        tokens_per_second=status.tokens_per_second,
        seconds_left=status.seconds_left,
    )
