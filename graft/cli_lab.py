"""The lab: arms on the frozen test set (`graft lab`), and commands about its runs below it."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from core.arms import parse_lab_arm
from graft import cli_lab_people, cli_lab_runs
from graft.cli_serve import AsJson, Domain, Trust, VllmUrl
from graft.console import Console
from graft.lab_command import DEFAULT_ARMS, lab_arguments


def register(app: typer.Typer) -> None:
    """Add the group to the app; without a subcommand it runs the lab."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(lab)
    cli_lab_runs.register(group)
    cli_lab_people.register(group)
    app.add_typer(group, name="lab")


def lab(
    context: typer.Context,
    domain: Domain = "django",
    arms: Annotated[
        str | None,
        typer.Option(
            help="Arms to compare, separated by commas (default: base,icl,rag,rag+icl,rag+icl+schema,lora,hybrid, and "
            "those of qlora,dora,full,distilled that exist)."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="A seeded stratified sample of so many questions.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of that sample and of the intervals (lab.seed).")] = None,
    controls: Annotated[
        str | None,
        typer.Option(help="Arms to ask again with passages swapped, shuffled and falsified: is the context used?"),
    ] = None,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve", help="Train adapters on 10, 25 and 50% of the examples too, and ask each as hybrid."
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for lab.json, report.html and figures.html.")] = None,
    as_json: AsJson = False,
    vllm_url: VllmUrl = None,
    trust: Trust = False,
) -> None:
    """Compare arms on the domain's frozen test set: figures with intervals, and a report (figures.html: without texts).

    ARM@HASH takes another adapter than the active one; qlora, dora, full and distilled the newest one trained so. A
    whole model (dora, full) gets a second vLLM for its arm, if memory will do. What the lab is at stands in
    progress.json of its folder while it runs; the page shows it.
    """
    if context.invoked_subcommand is not None:
        return
    from graft.lab import existing_arms, run
    from graft.own_process import recorded
    from graft.pace import Pace

    console: Console = context.obj
    settings, workspace, pack = console.open(domain, serve__vllm_url=vllm_url, lab__seed=seed)
    target = out or workspace.lab(pack.name) / time.strftime("%Y%m%d-%H%M%S")
    # Without --arms, what was trained in another way is asked as well, as far as memory will do.
    extra = existing_arms(settings, workspace, pack) if arms is None else []
    names, controlled = [*_names(arms or DEFAULT_ARMS), *extra], _names(controls or "")
    for name in (*names, *controlled):
        parse_lab_arm(name)  # a misspelt one is told before anything is loaded
    again = lab_arguments(
        domain, names, target.absolute(), limit=limit, seed=seed, controls=controlled, learning_curve=learning_curve,
        vllm_url=vllm_url, trust=trust,
    )  # fmt: skip
    with recorded(target, again, Pace(names, controlled)) as record, console.bars() as bars:
        progress, say = record.progress(bars), record.say(console.say)
        curve: dict[str, float] = {}
        if learning_curve:
            from graft.learning_curve import train_shares

            found = train_shares(settings, workspace, pack, say=say, progress=progress, trusted=trust)
            curve = {f"hybrid@{name.partition('@')[2]}": share for share, name in found.items()} | {"hybrid": 1.0}
            names = list(dict.fromkeys([*names, *curve]))
            record.pace = Pace(names, controlled)
        work = run(
            settings,
            workspace,
            pack,
            names,
            target,
            limit=limit,
            optional=extra,
            controls=controlled,
            curve=curve,
            say=say,
            progress=progress,
            trusted=trust,
        )
        result = asyncio.run(work)
    if as_json:
        console.emit(result.document)
        return
    print(result.table)
    console.say(f"report: {target / 'report.html'}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
