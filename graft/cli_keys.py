"""Commands for API keys: add, list, remove. A key is shown once; the file holds its hash."""

from pathlib import Path
from typing import Annotated

import typer

from graft.cli_serve import AsJson
from graft.console import Console

File = Annotated[
    Path | None,
    typer.Option("--file", help="Keys file (default: serve.api_keys_file, else keys.txt in the workspace)."),
]
keys = typer.Typer(help="API keys of the endpoint: add, list, remove.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(keys, name="keys")


@keys.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who the key is for.")],
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="Requests this key may make in a minute.")
    ] = None,
    max_body_mib: Annotated[
        float | None, typer.Option(min=0.001, help="Largest request body of this key, in MiB.")
    ] = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Draw a key and show it, this once. A running Graft accepts it at once."""
    from serve.api_keys import add_key

    console: Console = context.obj
    path = _path(console, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = add_key(path, name, requests_per_minute=requests_per_minute, max_body_mib=max_body_mib)
    if as_json:
        console.emit({"name": name, "key": key, "file": str(path)})
        return
    console.say(f"the key of '{name}', which is shown only now ({path} holds its hash):")
    print(key)
    if console.settings().serve.api_keys_file is None:
        console.say(f"it is asked for once GRAFT_SERVE__API_KEYS_FILE={path} is set")


@keys.command(name="list")
def list_(context: typer.Context, file: File = None, as_json: AsJson = False) -> None:
    """List who has a key, with the limits."""
    from serve.api_keys import read_keys

    console: Console = context.obj
    found = read_keys(_path(console, file))
    if as_json:
        limits = ("name", "requests_per_minute", "max_body_mib")
        console.emit({"keys": [{name: getattr(key, name) for name in limits} for key in found]})
        return
    for key in found:
        per_minute = f"{key.requests_per_minute} requests a minute" if key.requests_per_minute else ""
        size = f"{key.max_body_mib:g} MiB" if key.max_body_mib else ""
        print("  ".join(part for part in (key.name, per_minute, size) if part))


@keys.command()
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(help="Whose key to withdraw.")], file: File = None
) -> None:
    """Withdraw a key. A running Graft refuses it at once."""
    from serve.api_keys import remove_key

    console: Console = context.obj
    remove_key(_path(console, file), name)
    console.say(f"'{name}' has no key any more")


def _path(console: Console, file: Path | None) -> Path:
    settings = console.settings()
    return (file or settings.serve.api_keys_file or settings.workspace / "keys.txt").expanduser().absolute()
