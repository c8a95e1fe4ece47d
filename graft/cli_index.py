"""`graft index`: what the index of a domain holds, whether it is whole, and how it becomes so again."""

from typing import TYPE_CHECKING, Annotated

import typer

from graft.cli_serve import AsJson, Domain
from graft.console import Console

if TYPE_CHECKING:
    from graft.indexing import DomainIndex
    from ingest.status import IndexStatus

index = typer.Typer(help="The index of a domain: look into it, repair it, rebuild it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(index, name="index")


@index.command()
def status(
    context: typer.Context,
    domain: Domain = "django",
    rejected: Annotated[bool, typer.Option("--rejected", help="List every file that was rejected, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the index holds, what is served, how much disk it takes, and what was rejected."""
    from graft.receipt import rejects

    console: Console = context.obj
    found = _open(console, domain).status()
    if as_json:
        console.emit(found.model_dump())
        return
    files = [entry.model_dump() for entry in found.rejected]
    if rejected:
        for line in rejects(files, "", most=len(files)):
            print(line)
        return
    _print_status(found)
    for line in rejects(files, f"all of them: graft index status --rejected --domain {domain}"):
        print(line)


@index.command()
def verify(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Check every part against every other; changes nothing. Exit code 1 when something is wrong.

    The manifest's pages, documents, vectors and words; the served generation; and in Chroma every id, vector and
    metadata, and whether chunks are found by their own vectors. Each problem is one line with the command that helps.
    """
    console: Console = context.obj
    with console.bars() as progress:
        problems = _open(console, domain).verify(progress, domain)
    if as_json:
        console.emit({"problems": [problem.model_dump() for problem in problems], "seconds": console.seconds})
    elif problems:
        for problem in problems:
            print(f"{problem.part}: {problem.detail}  -> {problem.remedy}")
    else:
        print(f"the index of '{domain}' is whole ({console.seconds:.1f} s)")
    if problems:
        raise typer.Exit(1)


@index.command()
def repair(context: typer.Context, domain: Domain = "django", as_json: AsJson = False) -> None:
    """Put right what verify finds, from the manifest and its copies. Embeds only what has lost its vector.

    A damaged manifest is kept under another name, its newest copy takes its place, and what is still readable is
    carried over. Documents that are broken beyond that are dropped, so that the next graft ingest reads them again.
    """
    console: Console = context.obj
    with console.bars() as progress:
        done = _open(console, domain).repair(progress)
    if as_json:
        console.emit({"done": done, "seconds": console.seconds})
        return
    for line in done or ["nothing was to be done"]:
        print(line)


@index.command()
def rebuild(
    context: typer.Context,
    domain: Domain = "django",
    reembed: Annotated[
        bool, typer.Option("--reembed", help="Embed every chunk again, with the embedder that is set now.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build what is served anew from the manifest, without reading or embedding a document."""
    console: Console = context.obj
    with console.bars() as progress:
        generation = _open(console, domain).rebuild(progress, reembed=reembed)
    if as_json:
        console.emit({**generation.model_dump(), "seconds": console.seconds})
        return
    print(
        f"generation {generation.name} of '{domain}' is served: {generation.chunks} chunks of {generation.documents} "
        f"documents in {console.seconds:.1f} s"
    )


def _open(console: Console, domain: str) -> "DomainIndex":
    from graft.indexing import command_index

    settings, workspace, pack = console.open(domain)
    return command_index(settings, workspace, pack, console.say)


def _print_status(found: "IndexStatus") -> None:
    served = f"{found.served}, built {found.built}, Chroma {found.chroma}" if found.served else "nothing yet"
    rows = {
        "documents": f"{found.documents} indexed, {len(found.rejected)} rejected",
        "chunks": f"{found.chunks}, {found.vectors} vectors",
        "embedder": found.embedder[:8] or "none yet",
        "served": served,
        "waiting": f"{found.waiting} changes are not served yet: run graft ingest" if found.waiting else "",
        "disk": f"{_mib(found.manifest_bytes)} manifest, {_mib(found.generations_bytes)} generations",
        "kept aside": ", ".join(found.backups),
        "folder": found.folder,
    }
    for name, value in rows.items():
        if value:
            print(f"{name:<11} {value}")


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
