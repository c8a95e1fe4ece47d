"""The command line: options in, one line out when something is wrong. Only here do errors become exit codes."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import GraftError
from graft import (
    cli_adapters,
    cli_advise,
    cli_data,
    cli_dataset,
    cli_distill,
    cli_feedback,
    cli_index,
    cli_ingest,
    cli_keys,
    cli_lab,
    cli_retriever,
    cli_serve,
    cli_train,
    cli_users,
)
from graft.console import Console

app = typer.Typer(
    name="graft",
    help="Retrieval plus fine-tuning on your own documents, measured arm by arm on your own questions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# Global options may stand anywhere on the line, as users type them.
_GLOBAL_VALUES = {
    "--workspace": "workspace",
    "--config": "config",
    "--llm": "models.llm",
    "--embedder": "models.embedder",
}
_GLOBAL_SWITCHES = {"--verbose", "--version"}


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"graft {version('graft-rag')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder that holds all state (GRAFT_WORKSPACE; default .graft).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings (see graft.example.yaml).")] = None,
    llm: Annotated[
        str | None, typer.Option(help="Base model: a Hugging Face id or a folder (default: packaged).")
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(help="Embedder: a sentence-transformers id, a folder, or openai:MODEL (default: packaged)."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log to stderr as well.")] = False,
    show_version: Annotated[  # noqa: ARG001  the callback answers
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    flags = {"workspace": workspace, "models.llm": llm, "models.embedder": embedder}
    context.obj = Console(flags=flags, config=config, verbose=verbose)


cli_serve.register(app)
cli_ingest.register(app)
cli_index.register(app)
cli_data.register(app)
cli_dataset.register(app)
cli_train.register(app)
cli_distill.register(app)
cli_adapters.register(app)
cli_lab.register(app)
cli_advise.register(app)
cli_retriever.register(app)
cli_feedback.register(app)
cli_keys.register(app)
cli_users.register(app)


def hoist_global_options(arguments: list[str]) -> list[str]:
    """Move global options to the front, wherever they were written; what follows `--` stays."""
    front: list[str] = []
    rest: list[str] = []
    items = iter(arguments)
    for item in items:
        if item == "--":
            rest += [item, *items]
            break
        name, equals, _ = item.partition("=")
        if item in _GLOBAL_SWITCHES or (name in _GLOBAL_VALUES and equals):
            front.append(item)
        elif item in _GLOBAL_VALUES:
            value = next(items, None)
            front += [item] if value is None else [item, value]
        else:
            rest.append(item)
    return front + rest


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Exit 0 good, 1 a GraftError (one line on stderr), 2 usage, 130 interrupted."""
    quiet: dict[str, Any] = {
        "TOKENIZERS_PARALLELISM": "false",
        "ANONYMIZED_TELEMETRY": "false",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "SCARF_NO_ANALYTICS": "true",
        "TRANSFORMERS_VERBOSITY": "error",
        "LANGCHAIN_TRACING_V2": "false",
        "LANGSMITH_TRACING": "false",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    try:
        app(args=hoist_global_options(sys.argv[1:] if arguments is None else arguments), prog_name="graft")
    except GraftError as error:
        print(f"graft: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("graft: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        import errno

        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(
            f"graft: no space left on disk ({error.filename or 'while writing'}): free some, then repeat the command",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
