"""Commands about examples and training data: dataset check|stats|build."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graft import cli_review, cli_synthesize
from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

if TYPE_CHECKING:
    from finetune.dataset_check.check import CheckReport

dataset = typer.Typer(help="Examples and the training data made of them.", no_args_is_help=True)
_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    cli_synthesize.register(dataset)
    cli_review.register(dataset)
    app.add_typer(dataset, name="dataset")


@dataset.command("check")
def dataset_check(
    context: typer.Context,
    domain: Domain = "django",
    show_all: Annotated[bool, typer.Option("--all", help="Every finding, not the first of each kind.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the examples: schemas, duplicates, leakage, evidence, balance, lengths. Exit 1 on errors."""
    from graft.dataset import check_domain

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    report = check_domain(settings, workspace, pack, console.say)
    if as_json:
        console.emit({**report.model_dump(), "errors": report.errors, "warnings": report.warnings})
    else:
        _print_findings(report, show_all=show_all)
    if report.errors:
        raise typer.Exit(1)


def _print_findings(report: "CheckReport", *, show_all: bool) -> None:
    shown: Counter[tuple[str, str]] = Counter()
    for finding in report.findings:
        kind = (finding.severity, finding.check)
        shown[kind] += 1
        if show_all or shown[kind] <= _SHOWN:
            print(finding)
    for (severity, check), count in shown.items():
        if count > _SHOWN and not show_all:
            print(f"... and {count - _SHOWN} more {severity}s of kind [{check}]: --all shows them")
    for reason in report.skipped:
        print(f"not checked: {reason}")
    print(
        f"{report.train} training and {report.test} test examples: {report.errors} errors, {report.warnings} warnings"
    )


@dataset.command("stats")
def dataset_stats(
    context: typer.Context,
    domain: Domain = "django",
    out: Annotated[Path | None, typer.Option(help="The HTML page (default: in the workspace).")] = None,
    as_json: AsJson = False,
) -> None:
    """Count the examples by format, schema, tag, record and length; a table, and a page with plots."""
    from core.files import write_atomically
    from finetune.dataset_page import stats_page
    from finetune.dataset_stats import stats_table
    from graft.dataset import count_domain

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    stats = count_domain(settings, workspace, pack, console.say)
    page = out or workspace.dataset(pack.name) / "stats.html"
    write_atomically(page, stats_page(stats))
    if as_json:
        console.emit({**stats.model_dump(), "page": str(page)})
        return
    print(stats_table(stats))
    console.say(f"plots: {page}")


@dataset.command("build")
def dataset_build(
    context: typer.Context, domain: Domain = "django", as_json: AsJson = False, trust: Trust = False
) -> None:
    """Build the training rows: right passage among distractors, refusals, citations, every format."""
    from graft.connect import open_existing_index
    from graft.service import LocalService
    from graft.training import build_training_data

    console: Console = context.obj
    settings, workspace, pack = console.open(domain)
    service = LocalService(settings, workspace, pack, trusted=trust)
    service.prepare(console.say)
    open_existing_index(service, console.say)
    with console.bars() as progress:
        card = build_training_data(service, lambda done, total: progress("examples", done, total))
    if as_json:
        console.emit(card.model_dump())
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(card.kinds.items()))
    print(f"{card.rows} rows of {card.records} records ({kinds}); {workspace.dataset(pack.name)}")
    if card.dropped:
        print(f"{card.dropped} rows lost distractors to the context of {card.options.context_tokens} tokens")
    for example, reason in card.left_out.items():
        print(f"left out {example}: {reason}")
