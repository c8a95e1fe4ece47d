"""The train command: examples to an adapter."""

from typing import Annotated, Any

import typer

from core.settings import TrainSettings
from graft.cli_adapters import Unchecked
from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console


def _option(key: str) -> Any:
    """A flag of the same name and help as the setting `train.KEY`."""
    return typer.Option(help=TrainSettings.model_fields[key].description)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(train)


def train(
    context: typer.Context,
    domain: Domain = "django",
    method: Annotated[str | None, _option("method")] = None,
    preset: Annotated[str | None, _option("preset")] = None,
    rank: Annotated[int | None, _option("rank")] = None,
    alpha: Annotated[int | None, _option("alpha")] = None,
    targets: Annotated[str | None, _option("targets")] = None,
    dropout: Annotated[float | None, _option("dropout")] = None,
    beta: Annotated[float | None, _option("beta")] = None,
    learning_rate: Annotated[float | None, _option("learning_rate")] = None,
    loraplus_lr_ratio: Annotated[float | None, _option("loraplus_lr_ratio")] = None,
    decision_weight: Annotated[float | None, _option("decision_weight")] = None,
    epochs: Annotated[float | None, _option("epochs")] = None,
    rows_per_step: Annotated[int | None, _option("rows_per_step")] = None,
    validation_share: Annotated[float | None, _option("validation_share")] = None,
    patience: Annotated[int | None, _option("patience")] = None,
    seed: Annotated[int | None, _option("seed")] = None,
    max_steps: Annotated[int | None, _option("max_steps")] = None,
    max_minutes: Annotated[float | None, _option("max_minutes")] = None,
    gpus: Annotated[int | None, _option("gpus")] = None,
    trackio: Annotated[bool | None, _option("trackio")] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only print what the training would take; build its rows if need be.")
    ] = False,
    ignore_memory: Annotated[
        bool, typer.Option("--ignore-memory", help="Start even if memory seems too small.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training that was stopped last, as it was started.")
    ] = False,
    unchecked: Unchecked = False,
    no_activate: Annotated[bool, typer.Option("--no-activate", help="Publish only.")] = False,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Train an adapter on the domain's examples, publish it, check it and make it the active one."""
    from graft.connect import find_remote, open_existing_index
    from graft.service import LocalService
    from graft.training import Wishes, plan_training, prepare_job, train_adapter, unfinished_job

    console: Console = context.obj
    settings, workspace, pack = console.open(
        domain,
        train__method=method,
        train__preset=preset,
        train__rank=rank,
        train__alpha=alpha,
        train__targets=targets,
        train__dropout=dropout,
        train__beta=beta,
        train__learning_rate=learning_rate,
        train__loraplus_lr_ratio=loraplus_lr_ratio,
        train__decision_weight=decision_weight,
        train__epochs=epochs,
        train__rows_per_step=rows_per_step,
        train__validation_share=validation_share,
        train__patience=patience,
        train__seed=seed,
        train__max_steps=max_steps,
        train__max_minutes=max_minutes,
        train__gpus=gpus,
        train__trackio=trackio,
    )
    service = LocalService(settings, workspace, pack, trusted=trust)
    service.prepare(console.say)
    open_existing_index(service, console.say)
    if plan:
        with console.bars() as progress:
            job, _ = unfinished_job(service) if resume else prepare_job(service, lambda n, m: progress("data", n, m))
        found = plan_training(service, job)
        if as_json:
            console.emit({**found.model_dump(), "needs": found.needs})
        else:
            print("\n".join(found.lines()))
        if not ignore_memory:
            found.check()
        return
    with console.training() as tell:
        wishes = Wishes(
            activate=not no_activate,
            ignore_memory=ignore_memory,
            unchecked=unchecked,
            on_plan=lambda found: console.say("\n".join(found.lines())),
            on_report=lambda report: console.say("\n".join(report.lines())),
            say=console.say,
            serving=lambda: find_remote(workspace, pack),
        )
        manifest = train_adapter(service, tell, wishes, resume=resume)
    if as_json:
        console.emit(manifest.model_dump())
        return
    seconds, loss = manifest.metrics.get("seconds"), manifest.metrics.get("last_loss")
    print(f"{manifest.name}: {manifest.examples} rows, {seconds} s, loss {loss if loss is None else round(loss, 3)}")
    if manifest.merged:
        console.say(
            "a whole model: graft up starts a second vLLM for it, where memory will do; "
            f"by itself it is served by graft up --llm {service.store.path(manifest.name)}"
        )
