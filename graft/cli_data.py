"""Commands about packs and models: prepare, init, models."""

from pathlib import Path
from typing import Annotated

import typer

from graft.cli_serve import AsJson, Domain, Trust
from graft.console import Console

models = typer.Typer(help="Models on this machine.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(prepare)
    app.command()(init)
    app.add_typer(models, name="models")


def prepare(context: typer.Context, domain: Domain = "django", trust: Trust = False) -> None:
    """Obtain the documents and examples of a pack that has a prepare.py."""
    from graft.build import prepare_pack

    console: Console = context.obj
    _, _, pack = console.open(domain)
    prepare_pack(pack, console.say, trusted=trust)
    print(
        f"{pack.title}: {len(pack.train_examples)} training and {len(pack.test_examples)} test examples in {pack.data}"
    )


def init(
    context: typer.Context,
    name: str,
    docs: Annotated[Path, typer.Option(help="Folder with the documents.")],
    target: Annotated[Path | None, typer.Option(help="Folder of the new pack (default: ./NAME).")] = None,
) -> None:
    """Write a valid domain pack around a folder of documents."""
    from graft.init_pack import init_pack

    console: Console = context.obj
    path = init_pack(name, docs, target, console.say)
    print(path)
    console.say(f"next: graft up --domain {path}")


@models.command("prepare")
def models_prepare(context: typer.Context, as_json: AsJson = False) -> None:
    """Turn the packaged language model into a Hugging Face folder and find the embedder."""
    from core.workspace import Workspace
    from graft.models import prepare_models

    console: Console = context.obj
    settings = console.settings()
    prepared = prepare_models(settings.models, Workspace.open(settings.workspace), console.say)
    if as_json:
        console.emit({"llm": str(prepared.llm), "llm_name": prepared.llm_name, "embedder": str(prepared.embedder)})
    else:
        print(f"language model: {prepared.llm} ({prepared.llm_name})\nembedder: {prepared.embedder}")
