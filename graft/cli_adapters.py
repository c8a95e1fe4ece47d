"""Commands about published adapters: list, show, diff, activate, rollback, merge, export, import, remove."""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import AdapterError, RequestError
from graft.cli_serve import AsJson, Domain
from graft.console import Console

if TYPE_CHECKING:
    from finetune.adapters import AdapterStore
    from graft.models import PreparedModels

adapters = typer.Typer(help="Published adapters.", no_args_is_help=True)
Unchecked = Annotated[
    bool, typer.Option("--unchecked", help="Activate without comparing PEFT and vLLM, or whatever that found.")
]
Force = Annotated[bool, typer.Option("--force", help="Do it all the same; the manifest records it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(adapters, name="adapters")


@adapters.command("list")
def adapters_list(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Published adapters, newest first; the active one is marked."""
    console: Console = context.obj
    store = _store(console, domain)
    active = store.active()
    found = [{**manifest.model_dump(), "active": manifest.name == active} for manifest in store.list()]
    if as_json:
        console.emit({"adapters": found})
        return
    for item in found:
        mark = "*" if item["active"] else " "
        rows = f"from {item['origin']}" if item["origin"] else f"{item['examples']} rows"
        print(f"{mark} {item['name']}  {item['created']}  {item['method']}  {rows}")
    if not found:
        console.say(f"no adapters yet: graft train --domain {domain}")


@adapters.command("show")
def adapters_show(context: typer.Context, name: str, domain: Domain = "django") -> None:
    """The manifest of one adapter, and what comparing PEFT and vLLM found (`parity`)."""
    from graft.parity import read_report

    console: Console = context.obj
    store = _store(console, domain)
    report = read_report(store, name)
    console.emit({**store.manifest(name).model_dump(), "parity": report.model_dump() if report else None})
    if report is not None:
        console.say("\n".join(report.lines()))


@adapters.command("diff")
def adapters_diff(
    context: typer.Context, left: str, right: str, domain: Domain = "django", as_json: AsJson = False
) -> None:
    """Two adapters side by side: what differs in manifest and config, and how far apart their weights are."""
    from finetune.adapter_diff import diff_adapters, diff_table

    console: Console = context.obj
    store = _store(console, domain)
    diff = diff_adapters(store.path(left), store.path(right))
    if as_json:
        console.emit(diff.model_dump())
    else:
        print(diff_table(diff))


@adapters.command("activate")
def adapters_activate(
    context: typer.Context,
    name: str,
    domain: Domain = "django",
    unchecked: Unchecked = False,
    as_json: AsJson = False,
) -> None:
    """Make a published adapter the active one, in a running graft as well, if it answers in vLLM as in PEFT.

    A whole model (dora, full) needs no restart either, but a second vLLM: about a minute, and memory.
    """
    _point(context.obj, domain, name, unchecked=unchecked, as_json=as_json)


@adapters.command("rollback")
def adapters_rollback(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Go back to the adapter that was active before."""
    _point(context.obj, domain, None, unchecked=True, as_json=as_json)


@adapters.command("merge")
def adapters_merge(
    context: typer.Context,
    name: str,
    domain: Domain = "django",
    out: Annotated[Path | None, typer.Option(help="Folder of the merged model (default: in the workspace).")] = None,
    as_json: AsJson = False,
) -> None:
    """Merge an adapter into its base: a whole model folder, for servers without LoRA (or --llm)."""
    from finetune.adapter_merge import merge_adapter

    console: Console = context.obj
    _, workspace, pack = console.open(domain)
    store = _store(console, domain)
    models = _models(console, domain)
    manifest = store.check_lora(name, base_name=models.llm_name)
    version = manifest.name.partition("@")[2]
    target = merge_adapter(
        models.llm, store.path(name), manifest, out or workspace.models / "merged" / f"{pack.name}-{version}"
    )
    if as_json:
        console.emit({"merged": str(target), "adapter": manifest.name, "base": models.llm_name})
    else:
        print(target)


@adapters.command("export")
def adapters_export(
    context: typer.Context,
    name: str,
    domain: Domain = "django",
    out: Annotated[Path | None, typer.Option(help="A .zip file, or a folder (default: NAME.zip here).")] = None,
    as_json: AsJson = False,
) -> None:
    """Write an adapter as a plain PEFT folder or a zip of one, which loads with PEFT anywhere."""
    from graft.adapters import export_adapter

    console: Console = context.obj
    store = _store(console, domain)
    full = store.manifest(name).name
    target = export_adapter(store, name, out or Path(f"{full.replace('@', '-')}.zip"))
    if as_json:
        console.emit({"exported": str(target), "adapter": full})
    else:
        print(target)


@adapters.command("import")
def adapters_import(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A folder, a .zip or .tar.gz, or a Hugging Face id (OWNER/NAME).")],
    domain: Domain = "django",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Take in anyone's adapter after checking it: safetensors only, right base, plain LoRA, no code. Not activated."""
    from graft.adapters import import_adapter

    console: Console = context.obj
    settings = console.settings()
    store = _store(console, domain)
    manifest = import_adapter(
        store, source, _models(console, domain), max_rank=settings.serve.max_lora_rank, force=force
    )
    if as_json:
        console.emit(manifest.model_dump())
        return
    for remark in manifest.remarks:
        console.say(f"warning: {remark}")
    print(manifest.name)
    console.say(f"next: graft adapters activate {manifest.name} --domain {domain}")


@adapters.command("remove")
def adapters_remove(
    context: typer.Context,
    name: str,
    domain: Domain = "django",
    force: Annotated[bool, typer.Option("--force", help="Even if it is the active one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a published adapter. The active one only with --force, and never under a running graft."""
    from graft.connect import find_remote

    console: Console = context.obj
    _, workspace, pack = console.open(domain)
    store = _store(console, domain)
    full = store.manifest(name).name
    if full == store.active() and find_remote(workspace, pack) is not None:
        raise AdapterError(f"adapter {full} is being served: activate another one first, or stop graft")
    store.remove(full, active_too=force)
    if as_json:
        console.emit({"removed": full, "active": store.active()})
    else:
        print(f"removed {full}; active: {store.active() or 'none'}")


def _store(console: Console, domain: str) -> "AdapterStore":
    from finetune.adapters import AdapterStore

    _, workspace, pack = console.open(domain)
    return AdapterStore(pack.name, workspace.adapters(pack.name))


def _models(console: Console, domain: str) -> "PreparedModels":
    from graft.models import prepare_models

    settings, workspace, _ = console.open(domain)
    return prepare_models(settings.models, workspace, console.say)


def _point(console: Console, domain: str, name: str | None, *, unchecked: bool, as_json: bool) -> None:
    from finetune.adapters import AdapterStore
    from graft.connect import find_remote
    from graft.parity import read_report
    from graft.service import LocalService

    settings, workspace, pack = console.open(domain)
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    before = store.active()
    if name == "":
        raise RequestError("name an adapter: graft adapters list shows them")
    with store.rollback() if name is None else nullcontext(store.manifest(name).name) as chosen:
        remote = find_remote(workspace, pack)
        if remote is not None:
            asyncio.run(remote.activate(chosen, unchecked=unchecked))
        else:
            service = LocalService(settings, workspace, pack)
            service.prepare(console.say)
            service.activate_now(chosen, unchecked=unchecked, say=console.say)
    report = read_report(store, chosen)
    if report is not None and not unchecked:
        console.say("\n".join(report.lines()))
    if as_json:
        console.emit({"active": chosen, "before": before})
    else:
        print(f"active: {chosen}")
