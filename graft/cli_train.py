"""Commands about adapters: train, adapters list|show|activate|rollback."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import RequestError
from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

if TYPE_CHECKING:
    from core.service import TrainingStatus

adapters = typer.Typer(help="Published adapters.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(train)
    app.add_typer(adapters, name="adapters")


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


@adapters.command("list")
def adapters_list(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Published adapters, newest first; the active one is marked."""
    from finetune.adapters import AdapterStore

    console: Console = context.obj
    _, workspace, pack = console.open(domain)
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    active = store.active()
    found = [{**manifest.model_dump(), "active": manifest.name == active} for manifest in store.list()]
    if as_json:
        console.emit({"adapters": found})
        return
    for item in found:
        mark = "*" if item["active"] else " "
        print(f"{mark} {item['name']}  {item['created']}  {item['method']}  {item['examples']} rows")
    if not found:
        console.say(f"no adapters yet: graft train --domain {domain}")


@adapters.command("show")
def adapters_show(context: typer.Context, name: str, domain: Domain = "django") -> None:
    """The manifest of one adapter."""
    from finetune.adapters import AdapterStore

    console: Console = context.obj
    _, workspace, pack = console.open(domain)
    console.emit(AdapterStore(pack.name, workspace.adapters(pack.name)).manifest(name).model_dump())


@adapters.command("activate")
def adapters_activate(context: typer.Context, name: str, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Make a published adapter the active one, in a running graft as well."""
    _point(context.obj, domain, name, as_json=as_json)


@adapters.command("rollback")
def adapters_rollback(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Go back to the adapter that was active before."""
    _point(context.obj, domain, None, as_json=as_json)


def _point(console: Console, domain: str, name: str | None, *, as_json: bool) -> None:
    from finetune.adapters import AdapterStore
    from graft.connect import find_remote
    from graft.service import LocalService

    settings, workspace, pack = console.open(domain)
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    before = store.active()
    if name is None:
        name = store.rollback()
    elif not name:
        raise RequestError("name an adapter: graft adapters list shows them")
    else:
        name = store.manifest(name).name
    remote = find_remote(workspace, pack)
    if remote is not None:
        asyncio.run(remote.activate(name))
    else:
        service = LocalService(settings, workspace, pack)
        service.prepare(console.say)
        service.activate_now(name)
    if as_json:
        console.emit({"active": name, "before": before})
    else:
        print(f"active: {name}")
