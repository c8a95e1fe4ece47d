"""The train command: examples to an adapter."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

if TYPE_CHECKING:
    from core.service import TrainingStatus


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(train)


def train(
    context: typer.Context,
    domain: Domain = "django",
    method: Annotated[str | None, typer.Option(help="Training method: lora.")] = None,
    preset: Annotated[str | None, typer.Option(help="default (10 minutes on 2 cores) or best (up to 45).")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of data order and initialisation.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many steps.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0.01, help="Stop after so many minutes.")] = None,
    no_activate: Annotated[bool, typer.Option("--no-activate", help="Publish only.")] = False,
    as_json: AsJson = False,
    trust: Trust = False,
) -> None:
    """Train an adapter on the domain's examples, publish it, check it and make it the active one."""
    from graft.connect import find_remote, open_existing_index
    from graft.service import LocalService
    from graft.training import train_adapter

    console: Console = context.obj
    settings, workspace, pack = console.open(
        domain,
        train__method=method,
        train__preset=preset,
        train__seed=seed,
        train__max_steps=max_steps,
        train__max_minutes=max_minutes,
    )
    service = LocalService(settings, workspace, pack, trusted=trust)
    service.prepare(console.say)
    open_existing_index(service, console.say)
    with console.bars() as progress:

        def tell(status: "TrainingStatus") -> None:
            stage = "data" if status.state == "preparing" else "training"
            loss = f" loss {status.loss:.3f}" if status.loss is not None else ""
            left = f" {status.seconds_left / 60:.1f} min left" if status.seconds_left else ""
            progress(f"{stage}{loss}{left}" if console.verbose else stage, int(1000 * status.progress), 1000)

        manifest = train_adapter(service, tell, activate=not no_activate)
    remote = find_remote(workspace, pack)
    if remote is not None and not no_activate:
        asyncio.run(remote.activate(manifest.name))
    if as_json:
        console.emit(manifest.model_dump())
        return
    seconds, loss = manifest.metrics.get("seconds"), manifest.metrics.get("last_loss")
    print(f"{manifest.name}: {manifest.examples} rows, {seconds} s, loss {loss if loss is None else round(loss, 3)}")
