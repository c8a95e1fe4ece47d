"""The lab command: arms on the frozen test set."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from graft.cli_serve import AsJson, Domain, Trust, VllmUrl
from graft.console import Console

DEFAULT_ARMS = "base,icl,rag,rag+icl,rag+icl+schema,lora,hybrid"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(lab)


def lab(
    context: typer.Context,
    domain: Domain = "django",
    arms: Annotated[str, typer.Option(help="Arms to compare, separated by commas.")] = DEFAULT_ARMS,
    limit: Annotated[int | None, typer.Option(min=1, help="A seeded stratified sample of so many questions.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for lab.json and report.html.")] = None,
    as_json: AsJson = False,
    vllm_url: VllmUrl = None,
    trust: Trust = False,
) -> None:
    """Compare arms on the domain's frozen test set: figures with intervals, and a report."""
    from graft.lab import run

    console: Console = context.obj
    settings, workspace, pack = console.open(domain, serve__vllm_url=vllm_url)
    target = out or workspace.lab(pack.name) / time.strftime("%Y%m%d-%H%M%S")
    names = [name.strip() for name in arms.split(",") if name.strip()]
    with console.bars() as progress:
        result = asyncio.run(
            run(
                settings, workspace, pack, names, target, limit=limit, say=console.say, progress=progress, trusted=trust
            )
        )
    if as_json:
        console.emit(result.document)
        return
    print(result.table)
    console.say(f"report: {target / 'report.html'}")
