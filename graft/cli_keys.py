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
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    user: Annotated[
        str | None, typer.Option(help="Whose key it is, in the list of users (default: the user of that name).")
    ] = None,
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
    path = keys_path(console, file)
    _check_user(console, user or name)
    path.parent.mkdir(parents=True, exist_ok=True)
    key = add_key(path, name, user=user, requests_per_minute=requests_per_minute, max_body_mib=max_body_mib)
    if as_json:
        console.emit({"name": name, "key": key, "file": str(path)})
        return
    console.say(f"the key of '{name}', which is shown only now ({path} holds its hash):")
    print(key)
    if console.settings().serve.api_keys_file is None:
        console.say(f"it is asked for once GRAFT_SERVE__API_KEYS_FILE={path} is set")


@keys.command(name="list")
def list_(context: typer.Context, file: File = None, as_json: AsJson = False) -> None:
    """List the keys, with whose they are and their limits."""
    from serve.api_keys import read_keys

    console: Console = context.obj
    found = read_keys(keys_path(console, file))
    if as_json:
        shown = ("name", "owner", "requests_per_minute", "max_body_mib")
        console.emit({"keys": [{name: getattr(key, name) for name in shown} for key in found]})
        return
    for key in found:
        per_minute = f"{key.requests_per_minute} requests a minute" if key.requests_per_minute else ""
        size = f"{key.max_body_mib:g} MiB" if key.max_body_mib else ""
        owner = f"of {key.user}" if key.user else ""
        print("  ".join(part for part in (key.name, owner, per_minute, size) if part))


@keys.command()
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(help="Whose key to withdraw.")], file: File = None
) -> None:
    """Withdraw a key. A running Graft refuses it at once."""
    from serve.api_keys import remove_key

    console: Console = context.obj
    remove_key(keys_path(console, file), name)
    console.say(f"'{name}' has no key any more")


def keys_path(console: Console, file: Path | None) -> Path:
    """The file of keys that a command is about."""
    from graft.user_desk import keys_file

    return file.expanduser().absolute() if file else keys_file(console.settings())


def _check_user(console: Console, name: str) -> None:
    """Where there is a list of users, a key of nobody would never be accepted."""
    path = console.settings().auth_file
    if path is None:
        return
    from core.errors import UsersError
    from core.users import read_users

    known = [user.name for user in read_users(path.expanduser())]
    if name not in known:
        raise UsersError(f"there is no user '{name}' (there are {', '.join(known)}): name one with --user")
