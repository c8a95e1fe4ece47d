"""From a domain's examples to an active adapter: data set, run, publication, activation. Prints nothing."""

from collections.abc import Callable

from core.errors import GraftError, TrainError
from core.files import sha256_json
from core.service import TrainingStatus
from finetune.adapters import AdapterManifest
from finetune.dataset import DatasetCard, build_dataset
from finetune.job import Status
from finetune.launch import TrainingProcess, make_job
from finetune.rows import RowOptions
from graft import build
from graft.adapters import provenance
from graft.service import LocalService

OnTraining = Callable[[TrainingStatus], None]


def build_training_data(service: LocalService, on_progress: Callable[[int, int], None]) -> DatasetCard:
    """Build (or reuse) the training rows of the service's domain. Raises TrainError, LeakageError."""
    from core.index import index_fingerprint

    models = service.models
    if models is None:
        raise TrainError("the models are not prepared yet: run graft models prepare")
    settings = service.settings
    return build_dataset(
        service.pack,
        service.retriever(service.pack.name),
        build.token_counter(models.llm),
        service.workspace.dataset(service.pack.name),
        options=RowOptions(
            token_budget=settings.retrieve.token_budget,
            context_tokens=min(RowOptions().context_tokens, settings.serve.max_model_len),
            seed=settings.train.seed,
        ),
        prompt_hash=service.prompt_hash,
        index_fingerprint=sha256_json(
            [index_fingerprint(service.workspace.corpus(service.pack.name)), settings.retrieve.model_dump()]
        ),
        on_progress=on_progress,
        count_messages=build.message_counter(models.llm),
    )


def train_adapter(service: LocalService, on_training: OnTraining, *, activate: bool = True) -> AdapterManifest:
    """Train, publish and (by default) activate an adapter. The service's training status follows. Raises GraftError."""

    def tell(status: TrainingStatus) -> None:
        service.state.training = status
        on_training(status)

    try:
        manifest = _train(service, tell)
        if activate:
            service.activate_now(manifest.name)
    except GraftError as error:
        tell(TrainingStatus(state="failed", detail=str(error)))
        raise
    tell(TrainingStatus(state="done", progress=1.0, detail=manifest.name, loss=manifest.metrics.get("last_loss")))
    return manifest


def _train(service: LocalService, tell: OnTraining) -> AdapterManifest:
    models = service.models
    if models is None:
        raise TrainError("the models are not prepared yet: run graft models prepare")

    def preparing(done: int, total: int) -> None:
        tell(
            TrainingStatus(state="preparing", detail=f"training data {done} of {total}", progress=done / max(total, 1))
        )

    tell(TrainingStatus(state="preparing", detail="training data"))
    card = build_training_data(service, preparing)
    name = service.pack.name
    rows = service.workspace.dataset(name) / "rows.jsonl"
    job = make_job(service.settings.train, card, rows, models.llm, models.llm_name, service.workspace.run)
    process = TrainingProcess(job, service.workspace.runs(name))
    try:
        process.start()
        trained = process.wait(lambda status: tell(_as_training(status)))
    finally:
        process.stop()
    tell(TrainingStatus(state="publishing", progress=1.0, detail="checking and publishing the adapter"))
    metrics = process.status().metrics
    return service.store.publish(trained, job, card.rows, metrics, provenance(service, card, models))


def _as_training(status: Status) -> TrainingStatus:
    return TrainingStatus(
        state="training",
        detail="loading the model" if status.state in ("waiting", "loading") else "",
        progress=status.progress,
        loss=status.loss,
        seconds_left=status.seconds_left,
    )
